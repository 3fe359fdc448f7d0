import Wire

/// Finds peers in a list by their keys. Lists of the same peers are mostly in the same order, where it costs a comparison.
struct KeySearch {
    private let keys: [PublicKey?]
    private var places: [PublicKey: Int]?
    private var next = 0

    /// - Parameter keys: what is nil isn't found.
    init(_ keys: [PublicKey?]) {
        self.keys = keys
    }

    mutating func place(of key: PublicKey) -> Int? {
        if next < keys.count, keys[next] == key {
            next += 1
            return next - 1
        }
        if places == nil {
            var places: [PublicKey: Int] = [:]
            places.reserveCapacity(keys.count)
            for (place, key) in keys.enumerated() {
                if let key, places[key] == nil { places[key] = place }
            }
            self.places = places
        }
        guard let place = places?[key] else { return nil }
        next = place + 1
        return place
    }
}
