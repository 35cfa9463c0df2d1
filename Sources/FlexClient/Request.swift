/// The most bytes of a request or a reply, including its newline. The daemon has the same limit.
let wireLimit = 1 << 20

/// The reason why a call is not sent.
enum RequestFault: Error, Equatable {
  /// An argument is not UTF-8. Arguments count from 1, which is the command.
  case notUTF8(argument: Int)
  case tooLarge
}

/// Returns the request line for a call: `{"version":1,"confirms":true,"arguments":[…]}` and a newline.
func requestLine(_ arguments: [UnsafeBufferPointer<UInt8>]) throws(RequestFault) -> [UInt8] {
  let frame = 64
  let textSize = arguments.reduce(0) { $0 + $1.count + 3 }
  if textSize > wireLimit { throw .tooLarge }
  // Options are JSON: about one byte in eight is a quotation mark that needs a backslash.
  var text = JSONText(capacity: frame + textSize + textSize / 4)
  text.append(raw: "{\"version\":1,\"confirms\":true,\"arguments\":[")
  for (index, argument) in arguments.enumerated() {
    if index > 0 { text.append(raw: ",") }
    if !text.append(string: argument) { throw .notUTF8(argument: index + 1) }
  }
  text.append(raw: "]}\n")
  if text.bytes.count > wireLimit { throw .tooLarge }
  return text.bytes
}
