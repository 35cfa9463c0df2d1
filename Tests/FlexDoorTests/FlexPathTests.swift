import NodeService
import StorageModel
import Testing

@testable import FlexDoor

@Suite("Paths from kubelet")
struct FlexPathTests {
  static let root = "/var/lib/kubelet"
  static let driver = "volumes.k8s.elastic.co~elastic-local"
  static let uid = "0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f"

  @Test(
    "the two shapes that kubelet builds are taken apart",
    arguments: [
      ("/var/lib/kubelet", "\(root)/pods/\(uid)/volumes/\(driver)/pvc-1", "a pod's directory"),
      ("/var/lib/kubelet/", "\(root)/pods/\(uid)/volumes/\(driver)/pvc-1", "a root with a slash at its end"),
      ("/data/kubelet", "/data/kubelet/pods/\(uid)/volumes/\(driver)/a.b+c_d", "another root, another name"),
      ("/var/lib/kubelet", "\(root)/pods/8a1c4cbd3b1c4cbd8a1c4cbd3b1c4cbd/volumes/\(driver)/v", "a static pod's"),
    ])
  func pods(_ root: String, _ path: String, _ remark: String) throws {
    let target = try FlexPath(path, kubeletRoot: root)
    #expect(target.volume.text == path.split(separator: "/").last.map(String.init), "\(remark)")
    guard case .pod(let uid) = target.kind else {
      Issue.record("\(remark): \(target.kind)")
      return
    }
    #expect(path.contains("/pods/\(uid)/"), "\(remark)")
    #expect(path.hasSuffix(target.components.joined(separator: "/")), "\(remark)")
  }

  @Test("the driver's global directory is told from a pod's, and is built as it is read")
  func global() throws {
    let path = "\(Self.root)/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts/pvc-1"
    let target = try FlexPath(path, kubeletRoot: Self.root)
    #expect(target.kind == .global && target.target(below: Self.root).kind == .device)
    #expect(target.components == FlexPath.globalComponents(of: try VolumeName("pvc-1")))
  }

  @Test(
    "the root of a path of that shape is found, however it is spelt",
    arguments: [
      ("/data//kubelet/pods/\(uid)/volumes/\(driver)/x", "/data//kubelet"), ("/pods/u/volumes/\(driver)/x", ""),
      ("/link/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts/x", "/link"),
      ("/a/pods/\(uid)/volumes/other/x", nil), ("x", nil), ("", nil),
    ] as [(String, String?)])
  func spelledRoot(_ path: String, _ root: String?) {
    #expect(FlexPath.root(of: path) == root)
  }

  static let refused: [(String, String)] = [
    ("", "nothing"), ("/", "the root"), (root, "kubelet's root"), (root + "/", "kubelet's root"),
    ("\(root)/pods/\(uid)/volumes/\(driver)", "no volume"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/", "an empty volume"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/pvc-1/", "a slash at the end"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/pvc-1/mount", "a component too many"),
    ("\(root)/pods/\(uid)/volumes/\(driver)//pvc-1", "two slashes"),
    ("\(root)//pods/\(uid)/volumes/\(driver)/pvc-1", "two slashes at the start"),
    ("\(root)/pods/../\(uid)/volumes/\(driver)/pvc-1", "a way up"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/..", "a way up at the end"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/.", "the directory itself"),
    ("\(root)/pods/../volumes/\(driver)/pvc-1", "a way up in place of the pod"),
    ("\(root)/pods/./volumes/\(driver)/pvc-1", "the directory itself in place of the pod"),
    ("\(root)/pods//volumes/\(driver)/pvc-1", "an empty pod"),
    ("\(root)/pods/\(uid)/volumes/volumes.k8s.elastic.co~other/pvc-1", "another driver"),
    ("\(root)/pods/\(uid)/volumes/volumes.k8s.elastic.co/elastic-local/pvc-1", "an unescaped driver"),
    ("\(root)/pods/\(uid)/volume-subpaths/\(driver)/pvc-1", "subpaths"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/-pvc", "a name that looks like a switch"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/p v", "a blank"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/pvc\u{0}x", "a NUL"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/pvc\nx", "a line break"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/pvc-ü", "unicode"),
    ("\(root)/pods/\(uid)/volumes/\(driver)/" + String(repeating: "n", count: 4096), "a name of 4 KiB"),
    ("\(root)/pods/" + String(repeating: "u", count: 4096) + "/volumes/\(driver)/pvc-1", "a pod of 4 KiB"),
    ("\(root)x/pods/\(uid)/volumes/\(driver)/pvc-1", "a root with something behind it"),
    ("/etc/passwd", "anywhere else"), ("pods/\(uid)/volumes/\(driver)/pvc-1", "a relative path"),
    ("\(root)/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co~elastic-local/mounts/pvc-1", "escaped"),
    ("\(root)/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts", "no global volume"),
    ("\(root)/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts/..", "the way up there"),
    ("\(root)/plugins/kubernetes.io/csi/volumes.k8s.elastic.co/elastic-local/mounts/pvc-1", "another kind of plugin"),
  ]

  @Test("every other shape is refused:", arguments: refused)
  func refusals(_ path: String, _ remark: String) {
    let error = #expect(throws: VolumeError.self, "\(remark)") { try FlexPath(path, kubeletRoot: Self.root) }
    #expect(error?.code == .invalid, "\(remark)")
    #expect((error?.message.utf8.count ?? 0) < 1000, "a long path does not make a long message")
    #expect(error?.message.contains("\n") == false, "\(remark)")
  }
}
