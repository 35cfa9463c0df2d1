/// Whether a text consists of visible ASCII characters only, without blanks.
///
/// Check text from outside with this before it is compared with known words. Swift compares by Unicode equivalence:
/// U+212A, the kelvin sign, equals `K`.
func isVisibleASCII(_ text: some StringProtocol) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
