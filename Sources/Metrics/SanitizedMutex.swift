#if THREAD_SANITIZER
    import Tunnel

    typealias Mutex<Value: ~Copyable> = Tunnel.Mutex<Value>
#endif
