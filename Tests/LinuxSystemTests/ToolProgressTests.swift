import Testing

@testable import LinuxSystem

@Suite("Progress of a program")
struct ToolProgressTests {
  private func kept(_ progress: ToolProgress, _ text: String) -> String {
    String(decoding: progress.take(Array(text.utf8)), as: UTF8.self)
  }

  @Test("the counts of mke2fs with backspaces are parsed in any pieces, and its other lines are kept")
  func making() {
    let progress = ToolProgress()
    #expect(progress.text == nil)
    #expect(kept(progress, "mke2fs 1.47.0\nWriting inode tables:  1/80") == "mke2fs 1.47.0\n")
    #expect(progress.text == "writing inode tables 1 of 80")
    #expect(kept(progress, "\u{8}\u{8}\u{8}\u{8}\u{8}12/8") == "")
    #expect(kept(progress, "0") == "")
    #expect(progress.text == "writing inode tables 12 of 80")
    #expect(
      kept(progress, "\u{8}\u{8}\u{8}\u{8}\u{8}     \u{8}\u{8}\u{8}\u{8}\u{8}done\n").hasPrefix(
        "Writing inode tables: "))
  }

  @Test("e2fsck's progress lines give pass and percentage and are not kept; its other lines are kept")
  func checking() {
    let progress = ToolProgress()
    #expect(kept(progress, "1 0 128 /dev/mapper/vg-pvc\n2 64 128 /dev/mapper/vg-pvc\n") == "")
    #expect(progress.text == "pass 2 of 5, 50 %")
    #expect(kept(progress, "/dev/x: UNEXPECTED INCONSISTENCY\n2 rest") == "/dev/x: UNEXPECTED INCONSISTENCY\n")
    #expect(String(decoding: progress.rest(), as: UTF8.self) == "2 rest")
  }

  @Test(
    "numbers that are not progress change nothing",
    arguments: ["10 20", "a: b/c", "UUID: 12", "1 2 3 word\n", ":/\n", "\u{8}\n"])
  func none(text: String) {
    let progress = ToolProgress()
    _ = kept(progress, text)
    #expect(progress.text == nil)
  }
}
