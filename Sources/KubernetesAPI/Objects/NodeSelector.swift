package import JSON

/// The nodes on which a volume can be used. One of the terms must match.
package struct NodeSelector: Hashable, Sendable {
  package var terms: [Term] = []

  package init(terms: [Term] = []) { self.terms = terms }

  /// Selects the nodes whose label has one of the values.
  package init(label: String, in values: [String]) {
    terms = [Term(expressions: [Requirement(key: label, operation: "In", values: values)])]
  }

  /// All requirements must hold.
  package struct Term: Hashable, Sendable {
    /// About the node's labels (`matchExpressions`).
    package var expressions: [Requirement] = []
    /// About its fields, in practice `metadata.name` (`matchFields`).
    package var fields: [Requirement] = []

    package init(expressions: [Requirement] = [], fields: [Requirement] = []) {
      self.expressions = expressions
      self.fields = fields
    }
  }

  package struct Requirement: Hashable, Sendable {
    package var key = ""
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`.
    package var operation = ""
    package var values: [String] = []

    package init(key: String, operation: String, values: [String]) {
      self.key = key
      self.operation = operation
      self.values = values
    }
  }
}

extension NodeSelector {
  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      if key == "nodeSelectorTerms" { terms = try json.array(Term.init) }
    }
  }

  package var json: JSONValue { ["nodeSelectorTerms": .array(terms.map(\.json))] }
}

extension NodeSelector.Term {
  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "matchExpressions": expressions = try json.array(NodeSelector.Requirement.init)
      case "matchFields": fields = try json.array(NodeSelector.Requirement.init)
      default: break
      }
    }
  }

  var json: JSONValue {
    .members([
      "matchExpressions": expressions.isEmpty ? nil : .array(expressions.map(\.json)),
      "matchFields": fields.isEmpty ? nil : .array(fields.map(\.json)),
    ])
  }
}

extension NodeSelector.Requirement {
  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "key": self.key = try json.string() ?? ""
      case "operator": operation = try json.string() ?? ""
      case "values": values = try json.strings()
      default: break
      }
    }
  }

  var json: JSONValue { .members(["key": .string(key), "operator": .string(operation), "values": texts(values)]) }
}
