package import LinuxNet

extension UserspaceDevice {
    /// What the daemon knows beyond ``status()``; nil from programs other than Nightjar.
    package func report() throws(SystemError) -> DeviceReport? {
        nil
    }
}
