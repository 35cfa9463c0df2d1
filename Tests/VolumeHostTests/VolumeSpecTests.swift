import Testing
import VolumeHost

@Suite("Volumes and their names")
struct VolumeSpecTests {
  @Test("A pod's own volume is read-only as its source says, a PV only as the pod's claim says")
  func readOnly() {
    let source = FlexSource(driver: "d", readOnly: true)
    #expect(VolumeSpec.inline("v", source).isReadOnly)
    #expect(!VolumeSpec.inline("v", FlexSource(driver: "d")).isReadOnly)
    #expect(!VolumeSpec.persistent("pv", source).isReadOnly)
    #expect(VolumeSpec.persistent("pv", FlexSource(driver: "d"), claimReadOnly: true).isReadOnly)
  }

  @Test("Paths escape the driver's slash below a pod and keep it in device directories")
  func paths() {
    let paths = HostPaths()
    let driver = Sample.driver("example.org/att")
    #expect(paths.volume("pv1", ofPod: "u", driver: driver) == "/var/lib/kubelet/pods/u/volumes/example.org~att/pv1")
    #expect(
      paths.deviceMount("pv1", driver: driver)
        == "/var/lib/kubelet/plugins/kubernetes.io/flexvolume/example.org/att/mounts/pv1")
    #expect(
      HostPaths(root: "/k/").volume("v", ofPod: "u", driver: Sample.driver("plain")) == "/k/pods/u/volumes/plain/v")
  }

  @Test("Block volumes have a global entry per pod and a link below the pod")
  func blockPaths() {
    let paths = BlockPaths(HostPaths())
    #expect(
      paths.global(plugin: "csi", volume: "v", pod: "u")
        == "/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/v/u")
    #expect(
      paths.pod("u", plugin: "example.org/d", volume: "v")
        == "/var/lib/kubelet/pods/u/volumeDevices/example.org~d/v")
  }

  @Test("A shared device has one name for all pods, any other volume one per pod")
  func uniqueNames() {
    #expect(UniqueVolumeName.device(plugin: "example.org/att", volume: "pv").text == "example.org/att/pv")
    #expect(UniqueVolumeName.pod(plugin: "example.org/bind", uid: "u", volume: "pv").text == "example.org/bind/u-pv")
  }

  @Test(
    "A driver's name converts to its directory and back",
    arguments: [("example.org/bind", "example.org~bind", "example.org~bind/bind"), ("plain", "plain", "plain/plain")])
  func driverNames(name: String, directory: String, executable: String) {
    let driver = DriverName(name)
    #expect(driver?.directory == directory)
    #expect(driver?.executable == executable)
    #expect(DriverName(directory: directory) == driver)
    #expect(driver?.description == name)
  }

  @Test(
    "Names that are paths or have two slashes are not driver names",
    arguments: ["", "a/b/c", "/a", "a/", "../a", "a/..", ".", "a~b"])
  func badDriverNames(name: String) { #expect(DriverName(name) == nil) }

  @Test("Option keys of kubernetes.io and k8s.io are reserved, in any case and for their subdomains")
  func reserved() {
    let keys = [
      "kubernetes.io/x", "a.Kubernetes.IO/x", "k8s.io", "x.k8s.io/y", "notk8s.io/x", "size", "x/kubernetes.io",
    ]
    let source = FlexSource(driver: "d", options: Dictionary(uniqueKeysWithValues: keys.map { ($0, "1") }))
    #expect(source.reservedOptionKeys == ["a.Kubernetes.IO/x", "k8s.io", "kubernetes.io/x", "x.k8s.io/y"])
  }

  @Test(
    "A vendor's suffix of a version is ignored",
    arguments: [
      ("1.20.2-gke.1", 20), ("v1.20.2+k3s1", 20), ("1.27-eks-0", 27), ("1.21+", 21), ("v1.30.0-rc.1+rke2r1", 30),
      ("1.37.0-gke.1", nil), ("-1.20", nil), ("1.+20", nil), ("1-20", nil), ("1.20.x-gke", nil), ("gke-1.20", nil),
    ])
  func vendors(text: String, minor: Int?) { #expect(KubernetesVersion(text)?.minor == minor) }

  @Test("Versions from 1.6 to 1.36 are known, others are rejected")
  func versions() {
    #expect(["1.6", "v1.20", "1.36.2"].compactMap { KubernetesVersion($0)?.minor } == [6, 20, 36])
    for text in ["1.5", "1.37", "2.1", "1", "1.x", "", "1.20.", "1.2.3.4", "1.+9"] {
      #expect(KubernetesVersion(text) == nil, "\(text)")
    }
    #expect(Sample.version("1.8") < Sample.version("1.36"))
  }
}
