import Glibc
import LinuxNet
import Testing

@Suite struct SystemErrorTests {
    @Test func readsWell() {
        #expect(
            SystemError(EPERM, "create the interface wg0").description
                == "cannot create the interface wg0: Operation not permitted (this needs CAP_NET_ADMIN: run as root)")
        #expect(SystemError(EBADMSG, "listen").description == "cannot listen: Bad message")
        #expect(SystemError(EPERM, "x", advice: "do y").advice == "do y")
    }

    @Test func namesUnknownNumbers() {
        #expect(SystemError.text(for: 99_999).contains("99999"))
    }
}
