import LinuxSystem

/// A volume group with any number of volumes, created at once from the multiplied backup of one volume. Creating 5,000
/// volumes one by one takes minutes.
struct LargeGroup {
  let disk: String
  let volumes: Int

  private var backup: String { DaemonUnderTest.directory + "/backup" }
  private var multiplied: String { DaemonUnderTest.directory + "/many" }

  /// Blocks.
  func make() throws {
    let group = ScaleSection.group
    try VolumeGroup.make(group, on: disk)
    guard volumes > 0 else { return }
    // Foreign tags of the length of ours. With our tags the daemon would activate all volumes.
    let tags = [
      "bench", "bench/volume=pvc-00000000-0000-4000-8000-000000000000",
      "bench/claim=00000000-0000-4000-8000-000000000000", "bench/creation=abcdefghijklmnop",
    ]
    try Programs.run(
      ["lvcreate", "-y", "-an", "-Wn", "-Zn", "-l", "1", "-n", "filler"] + tags.flatMap { ["--addtag", $0] } + [group])
    try Programs.run("vgcfgbackup", "-f", backup, group)
    try Files.writeDurably(Array(try multiply(try Files.readText(backup)).utf8), to: multiplied)
    try Programs.run("vgcfgrestore", "-f", multiplied, group)
    let count = try Programs.run("vgs", "--noheadings", "-o", "lv_count", group).filter { !$0.isWhitespace }
    guard count == "\(volumes)" else {
      throw NotMeasured("a group of \(volumes) volumes could not be created: it has \(count)")
    }
  }

  /// The metadata with copies of the volume "filler", each on its own extent. LVM writes a volume as a block that is
  /// indented by two tabs.
  private func multiply(_ metadata: String) throws -> String {
    let lines = metadata.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.firstIndex(of: "\t\tfiller {"), let last = lines[first...].firstIndex(of: "\t\t}") else {
      throw NotMeasured("the backup of the group has no volume \"filler\"")
    }
    let copies = (1...volumes).map { number in lines[first...last].map { copy($0, number) }.joined(separator: "\n") }
    return (lines[..<first].map(String.init) + copies + lines[(last + 1)...].map(String.init)).joined(separator: "\n")
  }

  private func copy(_ line: Substring, _ number: Int) -> String {
    let text = line.drop { $0 == "\t" }
    if text == "filler {" { return "\t\tpvc-00000000-0000-4000-8000-\(digits(number, 12)) {" }
    if text.hasPrefix("id = ") { return "\t\t\tid = \"BENCHx-0000-0000-0000-0000-0000-\(digits(number, 6))\"" }
    if text.hasPrefix("\"pv0\", ") { return "\t\t\t\t\t\"pv0\", \(number - 1)" }
    return String(line)
  }

  private func digits(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: width - text.count) + text
  }
}
