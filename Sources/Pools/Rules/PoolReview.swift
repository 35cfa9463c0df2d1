internal import JSON
package import KubernetesAPI
internal import StorageModel

/// Looks at what a pool asks for; asks nobody. The same rules are in the custom resource's schema, where the server knows them.
package enum PoolReview {
  /// Why a pool cannot be served: the field, what it says, and what is allowed. Nil for one that can.
  ///
  /// - Parameter storageClass: the class of the pool's volumes; nil when there is none of its name.
  package static func problem(of pool: Pool, in storageClass: StorageClass?) -> String? {
    let spec = pool.spec
    if spec.replicas < 0 { return "spec.replicas is \(spec.replicas); it has to be 0 or more" }
    return problem(of: spec.selector)
      ?? problem(of: spec.template.metadata, at: "spec.template.metadata")
      ?? mismatch(spec)
      ?? spec.initJob.flatMap(problem)
      ?? problem(of: storageClass)
  }

  private static func problem(of selector: LabelSelector) -> String? {
    if selector.isEmpty { return "spec.selector is empty and would select every claim; name a label in matchLabels" }
    for (key, value) in selector.matchLabels {
      if let problem = problem(ofLabel: key, value, at: "spec.selector.matchLabels") { return problem }
    }
    for requirement in selector.matchExpressions {
      let place = "spec.selector.matchExpressions of \(quoted(requirement.key))"
      if !LabelSyntax.isKey(requirement.key) { return "\(place): this is no key of a label" }
      switch requirement.operator {
      case "In", "NotIn":
        if requirement.values.isEmpty { return "\(place): \(requirement.operator) needs values" }
      case "Exists", "DoesNotExist":
        if !requirement.values.isEmpty { return "\(place): \(requirement.operator) has no values" }
      default:
        return "\(place): operator \(quoted(requirement.operator)) is none of In, NotIn, Exists, DoesNotExist"
      }
      if let value = requirement.values.first(where: { !LabelSyntax.isValue($0) }) {
        return "\(place): \(quoted(value)) is no value of a label"
      }
    }
    return nil
  }

  private static func problem(of metadata: Pool.Metadata, at place: String) -> String? {
    for (key, value) in metadata.labels {
      if let problem = problem(ofLabel: key, value, at: "\(place).labels") { return problem }
    }
    // Keys of annotations are compared in lower case.
    if let key = metadata.annotations.keys.first(where: { !LabelSyntax.isKey($0.lowercased()) }) {
      return "\(place).annotations: \(quoted(key)) is no key of an annotation"
    }
    return nil
  }

  private static func problem(ofLabel key: String, _ value: String, at place: String) -> String? {
    if !LabelSyntax.isKey(key) { return "\(place): \(quoted(key)) is no key of a label" }
    return LabelSyntax.isValue(value) ? nil : "\(place): \(quoted(value)) is no value of a label"
  }

  private static func mismatch(_ spec: Pool.Spec) -> String? {
    spec.selector.matches(spec.template.metadata.labels)
      ? nil : "spec.template.metadata.labels are not what spec.selector selects; give the template these labels"
  }

  private static func problem(of initJob: Pool.InitJobSpec) -> String? {
    if !isVolumeName(initJob.volumeName) {
      return "spec.initJob.volumeName \(quoted(initJob.volumeName)) is no name of a pod's volume"
    }
    guard let template = initJob.template else { return nil }
    if let problem = problem(of: template.metadata, at: "spec.initJob.template.metadata") { return problem }
    let place = "spec.initJob.template.spec"
    if let policy = template.spec["template", "spec", "restartPolicy"]?.string, !["", "Never"].contains(policy) {
      return "\(place).template.spec.restartPolicy is \(quoted(policy)); it has to be Never"
    }
    if let deadline = template.spec["activeDeadlineSeconds"]?.number, deadline > InitJobPlan.deadlineLimit {
      return "\(place).activeDeadlineSeconds is \(deadline); at most \(InitJobPlan.deadlineLimit) are allowed"
    }
    if let limit = template.spec["backoffLimit"]?.number, limit > InitJobPlan.backoffLimit {
      return "\(place).backoffLimit is \(limit); at most \(InitJobPlan.backoffLimit) is allowed"
    }
    return nil
  }

  /// A DNS label.
  private static func isVolumeName(_ text: String) -> Bool {
    text.utf8.count <= 63 && !text.contains(".") && ClusterNames.isObjectName(text)
  }

  /// A volume is kept for the claim that had it. No user asks for a replica's claim again, so its volume would never be used.
  private static func problem(of storageClass: StorageClass?) -> String? {
    guard let storageClass, storageClass.isOurs, storageClass.parameters["keep"] != nil else { return nil }
    return
      "storage class \(quoted(storageClass.metadata.name)) keeps volumes beyond their claims (parameter keep), so each replica "
      + "that is replaced would be kept forever; use a class without keep"
  }
}

extension StorageClass {
  /// Whether our provisioner creates its volumes.
  package var isOurs: Bool { ClusterNames.provisioners.contains(provisioner) }
}
