import Testing

@Suite("Comparing the order of calls with a recording")
struct CallOrderTests {
  private func call(_ line: String, _ start: Double, _ end: Double) -> TimedCall {
    TimedCall(line, start: start, end: end)
  }
  /// Returns calls that are made one second after the other.
  private func made(_ lines: String...) -> [TimedCall] {
    lines.enumerated().map { call($1, Double($0), Double($0) + 0.5) }
  }

  @Test("A call that began after another had ended comes after it, however short the time in between")
  func ordered() {
    let recorded = [call("d mount /a {}", 10, 10.05), call("d mount /b {}", 10.055, 10.1)]
    #expect(CallOrder.difference(recorded: recorded, made: made("d mount /a {}", "d mount /b {}")) == nil)
    let difference = CallOrder.difference(recorded: recorded, made: made("d mount /b {}", "d mount /a {}"))
    #expect(difference == "made too early: d mount /b {}\n  recorded after: d mount /a {}")
  }

  @Test("Calls that overlapped may come in any order, whatever the time between their starts")
  func overlapping() {
    let recorded = [
      call("d mount /a {}", 10, 40), call("d mount /b {}", 25, 25.1), call("d unmount /b", 26, 26.1),
    ]
    #expect(
      CallOrder.difference(recorded: recorded, made: made("d mount /b {}", "d unmount /b", "d mount /a {}")) == nil)
    #expect(
      CallOrder.difference(recorded: recorded, made: made("d unmount /b", "d mount /a {}", "d mount /b {}")) != nil)
  }

  @Test("Inits without another call in between may come in any order; inits of two rounds may not")
  func inits() {
    let recorded = [
      call("a init", 1, 1.1), call("b init", 1.2, 1.3), call("d mount /a {}", 2, 2.1), call("c init", 3, 3.1),
    ]
    #expect(
      CallOrder.difference(recorded: recorded, made: made("b init", "a init", "d mount /a {}", "c init")) == nil)
    #expect(
      CallOrder.difference(recorded: recorded, made: made("c init", "a init", "d mount /a {}", "b init")) != nil)
    #expect(
      CallOrder.difference(recorded: recorded, made: made("b init", "d mount /a {}", "a init", "c init")) != nil)
  }

  @Test("Calls with the same command line are distinguished by their number; calls of one side only are not compared")
  func repeated() {
    let recorded = [call("d mount /a {}", 1, 2), call("d unmount /a", 3, 4), call("d mount /a {}", 5, 6)]
    #expect(
      CallOrder.difference(recorded: recorded, made: made("d mount /a {}", "d unmount /a", "d mount /a {}")) == nil)
    #expect(
      CallOrder.difference(recorded: recorded, made: made("d mount /a {}", "d mount /a {}", "d unmount /a")) != nil)
    #expect(CallOrder.difference(recorded: recorded, made: made("d mount /a {}", "d other")) == nil)
  }
}
