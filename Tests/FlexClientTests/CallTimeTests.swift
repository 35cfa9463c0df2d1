import StorageModel
import Testing

@Suite("The time of a call")
struct CallTimeTests {
  @Test("the client waits as long as our own tool, and longer than the daemon works before it answers")
  func times() {
    #expect(Duration.seconds(CallTime.seconds) == CallTimes.client)
    #expect(CallTimes.client > CallTimes.daemon)
  }
}
