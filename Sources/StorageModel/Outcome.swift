/// What a mutation did: nothing, because the state was already as requested, or a change.
package enum Outcome<Value> {
  case unchanged(Value)
  case changed(Value)

  package var value: Value {
    switch self {
    case .unchanged(let value), .changed(let value): value
    }
  }

  package var isChange: Bool {
    if case .changed = self { return true }
    return false
  }
}

extension Outcome: Sendable where Value: Sendable {}
