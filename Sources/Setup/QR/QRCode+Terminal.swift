extension QRCode {
    /// How wide it is in a terminal, and how many lines it takes.
    package var terminalSize: (columns: Int, lines: Int) {
        let side = width + 2 * Self.border
        return (side, (side + 1) / 2)
    }

    /// The code in block characters, two modules in each, in colours of its own, so that it can be read from dark and from
    /// light terminals.
    package var terminalText: String {
        let side = width + 2 * Self.border
        var text = ""
        for row in stride(from: 0, to: side, by: 2) {
            text += "\u{1b}[97;40m"
            for column in 0..<side {
                let upper = isDark(row: row - Self.border, column: column - Self.border)
                // Below the last row there is nothing but the terminal, dark as it was.
                let lower = row + 1 == side || isDark(row: row + 1 - Self.border, column: column - Self.border)
                switch (upper, lower) {
                case (false, false): text += "█"
                case (false, true): text += "▀"
                case (true, false): text += "▄"
                case (true, true): text += " "
                }
            }
            text += "\u{1b}[0m\n"
        }
        return text
    }
}
