/// The stock tools whose work a command does, which look for interfaces in different places and print different things.
package enum ToolFamily: Sendable {
    /// Nightjar itself.
    case nightjar
    /// `wg`, `wg-quick` and `wireguard-go`.
    case wireGuard
    /// `awg`, `awg-quick` and `amneziawg-go`.
    case amneziaWG

    /// The tools of a program of this name.
    package init(programName name: String) {
        switch name {
        case "wg", "wg-quick", "wireguard-go": self = .wireGuard
        case "awg", "awg-quick", "amneziawg-go": self = .amneziaWG
        default: self = .nightjar
        }
    }

    /// Where its daemon has the configuration socket.
    package var socketDirectory: String {
        self == .amneziaWG ? "/var/run/amneziawg" : UAPISocket.defaultDirectory
    }

    /// Where files are that are named by their interface.
    package var configurationDirectory: String {
        self == .amneziaWG ? "/etc/amnezia/amneziawg" : "/etc/wireguard"
    }

    package var devicePlaces: DevicePlaces {
        switch self {
        case .nightjar:
            DevicePlaces(socketDirectories: [UAPISocket.defaultDirectory, ToolFamily.amneziaWG.socketDirectory])
        case .wireGuard: DevicePlaces(socketDirectories: [socketDirectory])
        case .amneziaWG: DevicePlaces(socketDirectories: [socketDirectory], includesKernel: false)
        }
    }
}

/// Where interfaces are looked for.
package struct DevicePlaces: Equatable, Sendable {
    /// The first one that serves an interface of a name is it.
    package var socketDirectories: [String]
    /// Whether the kernel's own are among them.
    package var includesKernel = true

    package init(socketDirectories: [String], includesKernel: Bool = true) {
        self.socketDirectories = socketDirectories
        self.includesKernel = includesKernel
    }
}
