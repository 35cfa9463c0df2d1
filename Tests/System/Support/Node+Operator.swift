import NodeProtocol
import StorageModel

// What an operator asks the daemon, with our own tool's code. No kubelet does.
extension Node {
  @discardableResult
  func ask(_ words: String...) -> Answer {
    let question = words.joined(separator: " ")
    do throws(VolumeError) {
      return Answer(question, try NodeClient.call(Request(words), socket: socket))
    } catch {
      return .failure(question, error.message)
    }
  }

  /// `elastic-local-node remove`.
  @discardableResult
  func remove(_ volume: String) -> Answer { ask("remove", volume) }
}
