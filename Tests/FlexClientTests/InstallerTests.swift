import Foundation
import Testing

/// The installer, run as an operator runs it.
@Suite("Installer")
struct InstallerTests {
  private static let script = BuiltClient.package + "/flex-install/install.sh"
  private static let vendorDriver = "volumes.k8s.elastic.co~elastic-local"

  @Test("installs into an empty directory, and a second run changes nothing")
  func freshAndAgain() async throws {
    try await withPluginDirectory { directory in
      let first = try await install(directory)
      #expect(first.exitCode == 0, "\(String(decoding: first.error, as: UTF8.self))")
      #expect(try names(in: directory) == ["elastic-local"])
      let before = try identity(directory)
      #expect(before.mode == 0o755)
      let second = try await install(directory)
      #expect(second.exitCode == 0)
      #expect(second.text.contains("up to date"))
      #expect(try identity(directory) == before)
      #expect(try await install(directory, ["--touch"]).exitCode == 0)
      #expect(try identity(directory).inode != before.inode)
      #expect(try names(in: directory) == ["elastic-local"])
    }
  }

  @Test("installs the attach variant by flag and by environment, over the other one")
  func attachVariant() async throws {
    try await withPluginDirectory { directory in
      #expect(try await install(directory).exitCode == 0)
      #expect(try await install(directory, ["--attach"]).exitCode == 0)
      #expect(try await run(client(directory), ["init"]).text.contains(#""attach":true"#))
      let again = try await install(directory, environment: ["FLEX_ATTACH": "true"])
      #expect(again.text.contains("up to date"))
      #expect(try await install(directory, environment: ["FLEX_ATTACH": "false"]).exitCode == 0)
      #expect(try await run(client(directory), ["init"]).text.contains(#""attach":false"#))
      #expect(try await install(directory, environment: ["FLEX_ATTACH": "yes"]).exitCode == 2)
    }
  }

  @Test("repairs a wrong mode, and overwrites a draft left by a crash")
  func repairs() async throws {
    try await withPluginDirectory { directory in
      #expect(try await install(directory).exitCode == 0)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: client(directory))
      try Data("half".utf8).write(to: URL(filePath: "\(directory)/\(Self.vendorDriver)/.elastic-local"))
      #expect(try await install(directory).exitCode == 0)
      #expect(try identity(directory).mode == 0o755)
      #expect(try names(in: directory) == ["elastic-local"])
    }
  }

  @Test("an upgrade never shows a half file nor a busy one to a caller in a loop")
  func upgradeUnderLoad() async throws {
    try await withPluginDirectory { directory in
      #expect(try await install(directory).exitCode == 0)
      let calls = Task {
        var answers: Set<String> = []
        while !Task.isCancelled {
          let call = try await run(client(directory), ["init"])
          answers.insert("\(call.exitCode ?? -1) \(call.text)\(String(decoding: call.error, as: UTF8.self))")
        }
        return answers
      }
      for round in 0..<12 {
        let result = try await install(directory, round % 2 == 0 ? ["--attach"] : [])
        #expect(result.exitCode == 0, "\(String(decoding: result.error, as: UTF8.self))")
      }
      calls.cancel()
      let answers = try await calls.value
      #expect(answers.allSatisfy { $0.hasPrefix(#"0 {"status":"Success","capabilities":{"attach":"#) }, "\(answers)")
    }
  }

  @Test("several installers at once leave one whole client")
  func concurrently() async throws {
    try await withPluginDirectory { directory in
      try await withThrowingTaskGroup(of: Run.self) { group in
        for _ in 0..<4 { group.addTask { try await install(directory, ["--touch"]) } }
        for try await result in group {
          #expect(result.exitCode == 0, "\(String(decoding: result.error, as: UTF8.self))")
        }
      }
      #expect(try names(in: directory) == ["elastic-local"])
      #expect(try await run(client(directory), ["init"]).exitCode == 0)
    }
  }

  @Test("refuses a driver directory that is a symbolic link")
  func symlinkedDirectory() async throws {
    try await withPluginDirectory { directory in
      try FileManager.default.createDirectory(atPath: directory + "/elsewhere", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(directory)/\(Self.vendorDriver)", withDestinationPath: directory + "/elsewhere")
      try await expectRefusal(directory, [], "is a symbolic link")
      try await expectRefusal(directory, try uninstalling(in: directory), "is a symbolic link")
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/elsewhere").isEmpty)
    }
  }

  @Test("refuses to replace what is no plain file")
  func symlinkedClient() async throws {
    try await withPluginDirectory { directory in
      let driver = "\(directory)/\(Self.vendorDriver)"
      try FileManager.default.createDirectory(atPath: driver, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: client(directory), withDestinationPath: "/bin")
      try await expectRefusal(directory, [], "is no plain file")
    }
  }

  @Test("refuses a directory that cannot be written")
  func readOnly() async throws {
    try await withPluginDirectory { directory in
      let driver = "\(directory)/\(Self.vendorDriver)"
      try FileManager.default.createDirectory(atPath: driver, withIntermediateDirectories: true)
      // Root may write anywhere, so the installer runs as nobody where the test runs as root.
      for path in [directory, driver] { chmod(path, 0o555) }
      let arguments = [Self.script, "--plugin-dir", directory, "--source", BuiltClient.directory]
      let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh"]
      let result =
        geteuid() == 0
        ? try await run("/usr/bin/setpriv", nobody + arguments) : try await run("/bin/sh", arguments)
      chmod(directory, 0o755)
      #expect(result.exitCode == 1)
      #expect(String(decoding: result.error, as: UTF8.self).contains("cannot be written"))
    }
  }

  @Test("refuses a source that is missing, not executable or another program, and leaves no directory behind")
  func badSource() async throws {
    try await withPluginDirectory { directory in
      let source = directory + "/source"
      try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
      try await expectRefusal(directory, ["--source", source], "does not exist")
      let file = source + "/elastic-local"
      // Written by another process: a descriptor of this one might be inherited by the child of a test that runs at the
      // same time, and a file that is open for writing cannot be executed.
      #expect(try await run("/bin/sh", ["-c", #"printf '#!/bin/sh\necho hello\n' >"$0""#, file]).exitCode == 0)
      try await expectRefusal(directory, ["--source", source], "is not executable")
      chmod(file, 0o755)
      try await expectRefusal(directory, ["--source", source], "init printed hello")
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["source"])
    }
  }

  @Test("uninstalls, also twice, and keeps a directory that holds more")
  func uninstall() async throws {
    try await withPluginDirectory { root in
      let directory = root + "/plugins"
      let uninstalling = try uninstalling(in: root)
      #expect(try await install(directory).exitCode == 0)
      #expect(try await install(directory, uninstalling).exitCode == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
      #expect(try await install(directory, uninstalling).exitCode == 0)
      #expect(try await install(directory).exitCode == 0)
      try Data().write(to: URL(filePath: "\(directory)/\(Self.vendorDriver)/notes"))
      try await expectRefusal(directory, uninstalling, "files that are not ours")
      #expect(try names(in: directory) == ["notes"])
    }
  }

  @Test(
    "uninstalls no client while kubelet has a volume mounted",
    arguments: [
      "/var/lib/kubelet/pods/u/volumes/volumes.k8s.elastic.co~elastic-local/pv",
      "/data/kubelet/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts/pv",
    ])
  func uninstallInUse(mountPoint: String) async throws {
    try await withPluginDirectory { root in
      let directory = root + "/plugins"
      #expect(try await install(directory).exitCode == 0)
      let other = "/var/lib/kubelet/pods/u/volumes/example.org~elastic-local/pv"
      try await expectRefusal(
        directory, try uninstalling(in: root, mounts: ["/", other, mountPoint]), "1 of our volumes are mounted")
      #expect(try names(in: directory) == ["elastic-local"])
      #expect(try await install(directory, uninstalling(in: root, mounts: ["/", other])).exitCode == 0)
    }
  }

  @Test(
    "detects the plugin directory and says how",
    arguments: [
      (
        "flag", ["proc/7/cmdline": "/usr/bin/kubelet\0--v=2\0--volume-plugin-dir=/a/b\0"], "/a/b", "--volume-plugin-dir"
      ),
      (
        "flag, apart", ["proc/7/cmdline": "hyperkube\0kubelet\0--volume-plugin-dir\0/a/b\0"], "/a/b",
        "--volume-plugin-dir"
      ),
      (
        "configuration, YAML",
        [
          "proc/7/cmdline": "kubelet\0--config=/etc/k.yaml\0",
          "etc/k.yaml": "kind: X\nvolumePluginDir: \"/c/d\" # moved\n",
        ],
        "/c/d", "volumePluginDir in /etc/k.yaml"
      ),
      (
        "configuration, JSON",
        ["proc/7/cmdline": "kubelet\0--config\0/etc/k\0", "etc/k": #"{"kind":"X","volumePluginDir":"/c/d","a":1}"#],
        "/c/d", "volumePluginDir in /etc/k"
      ),
      ("neither", ["proc/7/cmdline": "kubelet\0--v=2\0"], defaultDirectory, "sets no other than its default"),
      (
        "no kubelet, kubeadm's configuration", ["var/lib/kubelet/config.yaml": "volumePluginDir: /e\n"], "/e",
        "config.yaml"
      ),
      (
        "known directory", ["etc/kubernetes/kubelet-plugins/volume/exec/x": ""],
        "/etc/kubernetes/kubelet-plugins/volume/exec", "openshift"
      ),
      (
        "two known", ["home/kubernetes/flexvolume/x": "", "usr/libexec/kubernetes/kubelet-plugins/volume/exec/x": ""],
        "/home/kubernetes/flexvolume", "not certain: no kubelet is to be seen here, and several directories exist"
      ),
      ("nothing", ["proc/7/cmdline": "sleep\0kubelet\0"], defaultDirectory, "not certain"),
    ] as [(String, [String: String], String, String)])
  func detect(remark: String, files: [String: String], chosen: String, reason: String) async throws {
    try await withPluginDirectory { root in
      try populate(root, with: files)
      let result = try await run("/bin/sh", [Self.script, "--detect", "--host-root", root])
      #expect(result.exitCode == 0)
      #expect(result.text == chosen + "\n", "\(remark)")
      let said = String(decoding: result.error, as: UTF8.self)
      #expect(said.contains(reason), "\(remark): \(said)")
      let certain = !said.contains("not certain")
      let installed = try await run(
        "/bin/sh", [Self.script, "--plugin-dir", "auto", "--host-root", root, "--source", BuiltClient.directory])
      #expect(installed.exitCode == (certain ? 0 : 1), "\(remark)")
      #expect(FileManager.default.fileExists(atPath: client(root + chosen)) == certain, "\(remark)")
    }
  }

  @Test(
    "finds the plugin directory of each distribution from what its node shows",
    arguments: [
      ("GKE", ["home/kubernetes/kubelet-config.yaml": "volumePluginDir: /home/kubernetes/flexvolume\n"], gke),
      ("GKE's kubelet", ["proc/7/cmdline": "/home/kubernetes/bin/kubelet\0--volume-plugin-dir=\(gke)\0"], gke),
      ("OpenShift 4", ["proc/7/cmdline": "/usr/bin/kubelet\0--volume-plugin-dir=\(openShift)\0"], openShift),
      (
        "OpenShift 4, newer",
        [
          "proc/7/cmdline": "/usr/bin/kubelet\0--config=/etc/kubernetes/kubelet.conf\0",
          "etc/kubernetes/kubelet.conf": #"{"kind": "KubeletConfiguration", "volumePluginDir": "\#(openShift)"}"#,
        ], openShift
      ),
      ("RKE, a container", ["proc/7/cmdline": "kubelet\0--volume-plugin-dir=\(flatcar)\0"], flatcar),
      ("RKE2", ["etc/rancher/rke2/config.yaml": "kubelet-arg:\n  - \"volume-plugin-dir=\(flatcar)\"\n"], flatcar),
      ("k3s", ["proc/7/cmdline": "/usr/local/bin/k3s server    \0"], defaultDirectory),
      (
        "k3s, configured",
        [
          "proc/7/cmdline": "/usr/local/bin/k3s\0agent\0",
          "etc/rancher/k3s/config.yaml": "kubelet-arg:\n- volume-plugin-dir=/var/lib/flex # moved\n",
        ], "/var/lib/flex"
      ),
      (
        "k3s, by its service",
        [
          "proc/7/cmdline": "/usr/local/bin/k3s server\0",
          "etc/systemd/system/k3s.service":
            "ExecStart=/usr/local/bin/k3s \\\n '--kubelet-arg=volume-plugin-dir=/v' \\\n",
        ], "/v"
      ),
      (
        "k0s", ["proc/7/cmdline": "kubelet\0--config=/k\0", "k": "volumePluginDir: \(k0s)\n"], k0s
      ),
      ("k0s, kubelet down", ["usr/libexec/k0s/kubelet-plugins/volume/exec/x": ""], k0s),
      (
        "Talos: kubelet sees another root",
        [
          "proc/7/cmdline": "/usr/local/bin/kubelet\0--config=/etc/kubernetes/kubelet.yaml\0",
          "proc/7/root/etc/kubernetes/kubelet.yaml": "volumePluginDir: /var/lib/kubelet/flex\n",
          "etc/kubernetes/kubelet.yaml": "volumePluginDir: /wrong\n",
        ], "/var/lib/kubelet/flex"
      ),
      ("Flatcar", ["var/lib/kubelet/volumeplugins/x": ""], flatcar),
      (
        "Flatcar, by its service",
        ["etc/systemd/system/kubelet.service": "ExecStart=kubelet \\\n  --volume-plugin-dir=\(flatcar) \\\n --v=2\n"],
        flatcar
      ),
      ("kubespray", ["etc/kubernetes/kubelet.env": "KUBELET_ARGS=\"--v=2 --volume-plugin-dir=/k/s\"\n"], "/k/s"),
      ("AKS", ["etc/default/kubelet": "KUBELET_FLAGS=--v=2 --volume-plugin-dir=/etc/kubernetes/volumeplugins\n"], aks),
      (
        "kubeadm", ["var/lib/kubelet/kubeadm-flags.env": "KUBELET_KUBEADM_ARGS=\"--volume-plugin-dir /opt/flex\"\n"],
        "/opt/flex"
      ),
      (
        "a comment does not count",
        [
          "etc/default/kubelet": "# --volume-plugin-dir=/no\n",
          "var/lib/kubelet/config.yaml": "volumePluginDir: /yes\n",
        ],
        "/yes"
      ),
    ] as [(String, [String: String], String)])
  func layout(remark: String, files: [String: String], chosen: String) async throws {
    try await withPluginDirectory { root in
      try populate(root, with: files)
      let result = try await run("/bin/sh", [Self.script, "--detect", "--host-root", root])
      #expect(result.text == chosen + "\n", "\(remark)")
      let said = String(decoding: result.error, as: UTF8.self)
      #expect(!said.contains("not certain"), "\(remark): \(said)")
    }
  }

  @Test(
    "takes a distribution's name for its plugin directory",
    arguments: [("gke", gke), ("openshift", openShift), ("rke2", flatcar), ("k3s", defaultDirectory), ("k0s", k0s)])
  func named(name: String, directory: String) async throws {
    try await withPluginDirectory { root in
      let result = try await install(name, ["--host-root", root])
      #expect(result.exitCode == 0, "\(String(decoding: result.error, as: UTF8.self))")
      #expect(try names(in: root + directory) == ["elastic-local"])
      try await expectRefusal("nowhere", ["--host-root", root], "nor one of: gke openshift")
    }
  }

  private static let gke = "/home/kubernetes/flexvolume"
  private static let openShift = "/etc/kubernetes/kubelet-plugins/volume/exec"
  private static let aks = "/etc/kubernetes/volumeplugins"
  private static let k0s = "/usr/libexec/k0s/kubelet-plugins/volume/exec"
  private static let flatcar = "/var/lib/kubelet/volumeplugins"
  private static let defaultDirectory = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec"

  private func populate(_ root: String, with files: [String: String]) throws {
    for (path, content) in files {
      let file = URL(filePath: root + "/" + path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(content.utf8).write(to: file)
    }
  }

  /// Arguments of an uninstallation on a host whose mount table is made up.
  private func uninstalling(in root: String, mounts: [String] = ["/"]) throws -> [String] {
    let lines = mounts.map { "22 1 8:1 / \($0) rw - ext4 /dev/sda1 rw\n" }.joined()
    try populate(root, with: ["host/proc/1/mountinfo": lines])
    return ["--uninstall", "--host-root", root + "/host"]
  }

  private func install(
    _ directory: String, _ more: [String] = [], environment: [String: String] = [:]
  ) async throws -> Run {
    _ = try BuiltClient.path()
    let arguments = [Self.script, "--plugin-dir", directory, "--source", BuiltClient.directory] + more
    return try await run("/bin/sh", arguments, environment: environment)
  }

  private func expectRefusal(_ directory: String, _ more: [String], _ reason: String) async throws {
    let result = try await install(directory, more)
    #expect(result.exitCode == 1)
    #expect(String(decoding: result.error, as: UTF8.self).contains(reason))
  }

  private func client(_ directory: String) -> String { "\(directory)/\(Self.vendorDriver)/elastic-local" }

  private func names(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(Self.vendorDriver)").sorted()
  }

  private func identity(_ directory: String) throws -> Identity {
    var status = stat()
    guard stat(client(directory), &status) == 0 else { throw TestFailure("no client in \(directory)") }
    return Identity(
      inode: UInt64(status.st_ino), mode: status.st_mode & 0o7777, seconds: status.st_mtim.tv_sec,
      nanoseconds: status.st_mtim.tv_nsec)
  }

  /// What an untouched file keeps.
  private struct Identity: Equatable {
    var inode: UInt64
    var mode: UInt32
    var seconds: Int
    var nanoseconds: Int
  }

  private func withPluginDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    chmod(directory.path, 0o755)
    try await body(directory.path)
  }
}
