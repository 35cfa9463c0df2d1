import Foundation
import Testing

/// How the installer finds the kubelet's plugin directory. The node's files are below a temporary root.
@Suite("Plugin directory")
struct PluginDirectoryTests: InstallerBench {
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
      (
        "drop-ins over the configuration, the last one by name",
        [
          "proc/7/cmdline": "kubelet\0--config=/etc/k.yaml\0--config-dir=/etc/k.d/\0",
          "etc/k.yaml": "volumePluginDir: /c\n",
          "etc/k.d/10-a.conf": "volumePluginDir: /first\n",
          "etc/k.d/9-b.conf": "volumePluginDir: /last\n",
          "etc/k.d/91.conf": "maxPods: 5\n",
          "etc/k.d/99.yaml": "volumePluginDir: /no-drop-in\n",
        ],
        "/last", "volumePluginDir in /etc/k.d/9-b.conf"
      ),
      (
        "drop-ins below directories, in the order of a walk, and capital letters first",
        [
          "proc/7/cmdline": "kubelet\0--config-dir\0/etc/k.d\0",
          "etc/k.d/Z.conf": "volumePluginDir: /z\n",
          "etc/k.d/a/1.conf": "volumePluginDir: /a1\n",
          "etc/k.d/a-b.conf": #"{"volumePluginDir": "/ab"}"#,
        ],
        "/ab", "volumePluginDir in /etc/k.d/a-b.conf"
      ),
      (
        "a flag over drop-ins",
        [
          "proc/7/cmdline": "kubelet\0--config-dir=/etc/k.d\0--volume-plugin-dir=/f\0",
          "etc/k.d/1.conf": "volumePluginDir: /d\n",
        ],
        "/f", "--volume-plugin-dir"
      ),
      (
        "drop-ins that say nothing",
        [
          "proc/7/cmdline": "kubelet\0--config=/etc/k.yaml\0--config-dir=/etc/k.d\0",
          "etc/k.yaml": "volumePluginDir: /c\n", "etc/k.d/1.conf": "maxPods: 5\n",
        ],
        "/c", "volumePluginDir in /etc/k.yaml"
      ),
      (
        "a drop-in that takes it back",
        [
          "proc/7/cmdline": "kubelet\0--config=/etc/k.yaml\0--config-dir=/etc/k.d\0",
          "etc/k.yaml": "volumePluginDir: /c\n", "etc/k.d/1.conf": "volumePluginDir: \"\"\n",
        ],
        defaultDirectory, "volumePluginDir in /etc/k.d/1.conf"
      ),
      (
        "drop-ins of a kubelet in a container",
        [
          "proc/7/cmdline": "kubelet\0--config-dir=/etc/k.d\0",
          "proc/7/root/etc/k.d/1.conf": "volumePluginDir: /inside\n", "etc/k.d/1.conf": "volumePluginDir: /outside\n",
        ],
        "/inside", "volumePluginDir in /etc/k.d/1.conf"
      ),
      (
        "drop-ins that are not to be seen",
        [
          "proc/7/cmdline": "kubelet\0--config=/etc/k.yaml\0--config-dir=/etc/k.d\0",
          "etc/k.yaml": "volumePluginDir: /c\n",
        ],
        "/c", "not certain: the kubelet's configuration directory /etc/k.d cannot be read"
      ),
      (
        "no kubelet, drop-ins that a service names",
        [
          "etc/systemd/system/kubelet.service.d/10.conf": "Environment=\"A=--config-dir=/etc/k.d\"\n",
          "var/lib/kubelet/config.yaml": "volumePluginDir: /e\n", "etc/k.d/1.conf": "volumePluginDir: /d\n",
        ],
        "/d", "volumePluginDir in /etc/k.d/1.conf"
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
      let result = try await run("/bin/sh", [installScript, "--detect", "--host-root", root])
      #expect(result.exitCode == 0)
      #expect(result.text == chosen + "\n", "\(remark)")
      let said = String(decoding: result.error, as: UTF8.self)
      #expect(said.contains(reason), "\(remark): \(said)")
      let certain = !said.contains("not certain")
      let installed = try await run(
        "/bin/sh", [installScript, "--plugin-dir", "auto", "--host-root", root, "--source", BuiltClient.directory])
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
      let result = try await run("/bin/sh", [installScript, "--detect", "--host-root", root])
      #expect(result.text == chosen + "\n", "\(remark)")
      let said = String(decoding: result.error, as: UTF8.self)
      #expect(!said.contains("not certain"), "\(remark): \(said)")
    }
  }

  @Test(
    "accepts the name of a distribution for its plugin directory",
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
}
