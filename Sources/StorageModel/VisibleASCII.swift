/// Whether a text is of visible ASCII characters alone, blanks not among them.
///
/// To be asked of what comes from outside before it is compared with known words: Swift takes for equal what Unicode does,
/// such as the sign for kelvin, U+212A, and `K`.
func isVisibleASCII(_ text: some StringProtocol) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
