/// What `nightjar explain CODE` tells.
package struct Explanation: Sendable {
    /// What is wrong, in a few words.
    package var title: String
    /// Why that happens, what it looks like, and how the doctor knows. Paragraphs are parted by empty lines.
    package var text: String
    /// What to do about it.
    package var remedy: String

    init(_ title: String, _ text: String, remedy: String) {
        self.title = title
        self.text = text
        self.remedy = remedy
    }
}
