import Wire

/// Cuts the bytes of a configuration connection into operations. UAPI Part 1.
///
/// It does no I/O: bytes go in as they arrive, in pieces of any size, and operations come out. Between two pieces it
/// holds the change that is being read and at most one unfinished line.
package struct UAPIRequestReader: ~Copyable {
    private let limits: UAPILimits
    private let scopes: UAPIScopes
    private var state = State.firstLine
    private var set = UAPISetReader()
    private var lines: UAPILineBuffer

    package init(scopes: UAPIScopes, limits: UAPILimits = UAPILimits()) {
        self.scopes = scopes
        self.limits = limits
        lines = UAPILineBuffer(limit: limits.lineLength)
    }

    /// Takes bytes off the front of `input` up to the end of the next operation and returns that; nil when all were
    /// taken and the operation goes on.
    ///
    /// After ``UAPIRequest/unreadable(_:)`` everything else is swallowed.
    package mutating func next(from input: inout UnsafeRawBufferPointer) -> UAPIRequest? {
        while !input.isEmpty {
            let request: UAPIRequest?
            switch state {
            case .firstLine: request = readFirstLine(&input)
            case .setLine: request = readSetLine(&input)
            case .initiateLine(let publicKey): request = readInitiateLine(publicKey, &input)
            case .queryEnd(let query): request = readEnd(of: query, &input)
            case .refusedLine: request = skipRefusedLine(&input)
            case .refusedEnd: request = skipRefusedEnd(&input)
            case .unreadable: request = skip(input.count, &input)
            }
            if let request { return request }
        }
        return nil
    }
}

// MARK: - States

extension UAPIRequestReader {
    private enum State {
        /// At the start of an operation.
        case firstLine
        /// At the start of a line in a `set`, or inside one.
        case setLine
        /// At the start of a line in an `initiate`, or inside one, with the peer once that was read.
        case initiateLine(PublicKey?)
        /// Before the empty line that completes an operation without content.
        case queryEnd(Query)
        /// Inside a line that stands where that empty one should.
        case refusedLine
        /// After such a line, where an empty one still belongs to the refused operation.
        case refusedEnd
        case unreadable
    }

    private enum Query {
        case get, drops, endpointNames, report
    }

    private mutating func readFirstLine(_ input: inout UnsafeRawBufferPointer) -> UAPIRequest? {
        switch lines.take(&input) {
        case .unfinished:
            return nil
        case .tooLong:
            state = .unreadable
        case .finished(let line):
            state =
                if line.equals("get=1") {
                    .queryEnd(.get)
                } else if line.equals("set=1") {
                    .setLine
                } else if line.equals("drops=1") {
                    .queryEnd(.drops)
                } else if line.equals("endpoint_names=1") {
                    .queryEnd(.endpointNames)
                } else if line.equals("report=1") {
                    .queryEnd(.report)
                } else if line.equals("initiate=1") {
                    .initiateLine(nil)
                } else {
                    .unreadable
                }
            lines.release()
        }
        if case .unreadable = state { return .unreadable(nil) }
        return nil
    }

    private mutating func readSetLine(_ input: inout UnsafeRawBufferPointer) -> UAPIRequest? {
        switch lines.take(&input) {
        case .unfinished:
            return nil
        case .tooLong:
            set = UAPISetReader()
            state = .unreadable
            return .unreadable(.malformed)
        case .finished(let line):
            defer { lines.release() }
            if line.isEmpty {
                state = .firstLine
                return .set(set.takeChange())
            }
            do {
                try set.read(line, limits: limits, scopes: scopes)
                return nil
            } catch {
                set = UAPISetReader()
                state = .firstLine
                return .refused(error)
            }
        }
    }

    private mutating func readInitiateLine(
        _ publicKey: PublicKey?, _ input: inout UnsafeRawBufferPointer
    ) -> UAPIRequest? {
        switch lines.take(&input) {
        case .unfinished:
            return nil
        case .tooLong:
            state = .unreadable
            return .unreadable(.malformed)
        case .finished(let line):
            defer { lines.release() }
            state = .firstLine
            if line.isEmpty { return publicKey.map { .initiate($0) } ?? .refused(.invalid) }
            guard publicKey == nil, let equals = line.firstIndex(ofByte: UInt8(ascii: "=")),
                UAPIKey(UnsafeRawBufferPointer(rebasing: line[..<equals])) == .publicKey,
                let named = UAPIValue.publicKey(UnsafeRawBufferPointer(rebasing: line[(equals + 1)...]))
            else { return .refused(.invalid) }
            state = .initiateLine(named)
            return nil
        }
    }

    /// Decides on the first byte, so that a client that sends no more gets its answer.
    private mutating func readEnd(of query: Query, _ input: inout UnsafeRawBufferPointer) -> UAPIRequest? {
        guard input.first == newline else {
            state = .refusedLine
            return .refused(.invalid)
        }
        state = .firstLine
        _ = skip(1, &input)
        return switch query {
        case .get: .get
        case .drops: .drops
        case .endpointNames: .endpointNames
        case .report: .report
        }
    }

    private mutating func skipRefusedLine(_ input: inout UnsafeRawBufferPointer) -> UAPIRequest? {
        guard let end = input.firstIndex(ofByte: newline) else { return skip(input.count, &input) }
        state = .refusedEnd
        return skip(end + 1, &input)
    }

    private mutating func skipRefusedEnd(_ input: inout UnsafeRawBufferPointer) -> UAPIRequest? {
        state = .firstLine
        return input.first == newline ? skip(1, &input) : nil
    }

    /// Takes `count` bytes, of which there must be so many. Never an operation.
    private func skip(_ count: Int, _ input: inout UnsafeRawBufferPointer) -> UAPIRequest? {
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        return nil
    }
}

private let newline = UInt8(ascii: "\n")
