/// Columns of text that make the best of a terminal's width.
struct TextTable {
    struct Column {
        var title: String
        var isNumber = false
        /// Columns of the terminal that it can do with; nil: it isn't cut.
        var least: Int?
        /// What it has at least where there is room, so that columns don't jump about, and at most.
        var usual = 0
        var most = Int.max
        /// Columns of the lowest rank go first where there isn't room for all.
        var rank = Int.max
    }

    struct Cell {
        var text: String
        var style = TextStyle.plain

        init(_ text: String, _ style: TextStyle = .plain) {
            self.text = text
            self.style = style
        }
    }

    private let columns: [Column]
    /// The places of the columns that are shown, and the room that each has.
    private let shown: [(place: Int, width: Int)]
    private let indent: Int
    private let width: Int?

    private static let gap = 2

    /// - Parameters:
    ///   - widths: what the columns' contents take, in the order of `columns`.
    ///   - width: columns of the terminal; nil: any number.
    init(_ columns: [Column], widths: [Int], indent: Int, width: Int?) {
        self.columns = columns
        self.indent = indent
        self.width = width
        let natural = zip(columns, widths).map { column, content in
            min(column.most, max(column.usual, column.title.columns, content))
        }
        var places = Array(columns.indices)
        guard let width else {
            shown = places.map { ($0, natural[$0]) }
            return
        }
        let least = columns.indices.map { min(natural[$0], columns[$0].least ?? .max) }
        func sum(_ widths: [Int]) -> Int { indent + places.reduce(-Self.gap) { $0 + widths[$1] + Self.gap } }
        while sum(least) > width, let lowest = places.map({ columns[$0].rank }).min(), lowest != .max {
            places.removeAll { columns[$0].rank == lowest }
        }
        var chosen = natural
        // What is in front is cut last.
        for place in places.reversed() {
            let excess = sum(chosen) - width
            if excess > 0 { chosen[place] = max(least[place], chosen[place] - excess) }
        }
        shown = places.map { ($0, chosen[$0]) }
    }

    /// Whether the column at this place is shown.
    func shows(_ place: Int) -> Bool { shown.contains { $0.place == place } }

    /// The line of titles.
    ///
    /// - Parameter marked: the place of a column whose title stands out.
    func heading(_ style: TextStyle, marked: Int? = nil) -> StyledLine {
        line(columns.enumerated().map { Cell($1.title, $0 == marked ? .bold : style) })
    }

    func line(_ cells: [Cell]) -> StyledLine {
        var line = StyledLine()
        // Spaces that come before the next text; there are none behind the last one.
        var space = indent
        for (position, (place, width)) in shown.enumerated() {
            let cell = cells[place]
            // Without a limit the last column takes what it needs.
            let isFree = position == shown.count - 1 && self.width == nil
            let columns = cell.text.columns
            let text = isFree || columns <= width ? cell.text : cell.text.cut(to: width)
            let missing = max(0, width - columns)
            if self.columns[place].isNumber { space += missing }
            if !text.isEmpty {
                line.add(String(repeating: " ", count: space))
                line.add(text, cell.style)
                space = 0
            }
            if !self.columns[place].isNumber { space += missing }
            space += Self.gap
        }
        return line.cut(to: width)
    }
}
