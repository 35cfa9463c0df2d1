/// Text from outside for a one-line message: quoted, control characters escaped, cut at 80 characters.
package func quoted(_ text: some StringProtocol) -> String {
  var result = "\""
  var count = 0
  for scalar in text.unicodeScalars {
    guard count < 80 else {
      result += "…"
      break
    }
    count += 1
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || isLineBreak(scalar):
      result += "\\u{" + String(scalar.value, radix: 16) + "}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

private func isLineBreak(_ scalar: Unicode.Scalar) -> Bool { scalar.value == 0x2028 || scalar.value == 0x2029 }
