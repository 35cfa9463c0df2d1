import LinuxSystem
import Testing

@Suite("Errors")
struct ErrorTests {
  @Test("a system error names operation, subject, reason and symbol")
  func description() {
    let error = SystemError(operation: "mount", subject: "/dev/x", errno: .busy)
    #expect(error.description == "mount \"/dev/x\": device or resource busy (EBUSY)")
    let plain = SystemError(operation: "poll", subject: "", errno: .invalid)
    #expect(plain.description == "poll: invalid argument (EINVAL)")
  }

  @Test("an errno without a name is shown as a number")
  func unknown() {
    #expect(Errno(rawValue: 4711).name == "errno 4711")
    #expect(Errno.structureNeedsCleaning.name == "EUCLEAN")
    #expect(Errno.wouldBlock.name == "EAGAIN")
  }

  @Test("an interrupted call is repeated, any other failure is thrown")
  func retry() {
    var calls = 0
    let reason = failure { () throws(SystemError) in
      _ = try retryingInterrupts("test", "x") {
        calls += 1
        return fail(with: calls < 3 ? .interrupted : .ioError)
      }
    }
    #expect(reason == .ioError)
    #expect(calls == 3)
  }

  private func fail(with reason: Errno) -> Int32 {
    setErrno(reason.rawValue)
    return -1
  }

  @Test(
    "device numbers are unchanged by parsing, printing and the kernel's encoding",
    arguments: ["253:4", "7:0", "4095:1048575"])
  func deviceNumbers(text: String) throws {
    let number = try #require(DeviceNumber(text))
    #expect(number.description == text)
    #expect(DeviceNumber(rawDevice: number.rawDevice) == number)
  }

  @Test(
    "text that is not a device number is rejected",
    arguments: ["", "1", "1:", ":1", "1:2:3", "+1:2", "1:-2", "a:b", " 1:2"])
  func noDeviceNumber(text: String) { #expect(DeviceNumber(text) == nil) }

  @Test(
    "timestamps print as RFC 3339",
    arguments: [
      (Timestamp(seconds: 0), "1970-01-01T00:00:00.000Z"),
      (Timestamp(seconds: 1_709_251_199, nanoseconds: 999_999_999), "2024-02-29T23:59:59.999Z"),
      (Timestamp(seconds: 1_709_251_200), "2024-03-01T00:00:00.000Z"),
      (Timestamp(seconds: 951_782_400), "2000-02-29T00:00:00.000Z"),
      (Timestamp(seconds: -1, nanoseconds: 5_000_000), "1969-12-31T23:59:59.005Z"),
      (Timestamp(seconds: 4_102_444_800), "2100-01-01T00:00:00.000Z"),
      (Timestamp(seconds: .min), "-292277022657-01-27T08:29:52.000Z"),
      (Timestamp(seconds: .max), "292277026596-12-04T15:30:07.000Z"),
    ])
  func timestamps(time: Timestamp, text: String) { #expect(time.description == text) }

  @Test("timestamps add and subtract across the second")
  func arithmetic() {
    let start = Timestamp(seconds: 10, nanoseconds: 900_000_000)
    #expect(start + .milliseconds(200) == Timestamp(seconds: 11, nanoseconds: 100_000_000))
    #expect(start + .milliseconds(-950) == Timestamp(seconds: 9, nanoseconds: 950_000_000))
    #expect((start + .milliseconds(200)) - start == .milliseconds(200))
  }
}
