/// A first-in, first-out queue. Operations take constant time on average.
struct Queue<Element> {
  private var elements: [Element?] = []
  private var head = 0

  var count: Int { elements.count - head }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    elements[head] = nil
    head += 1
    compact()
    return element
  }

  /// Drops used slots when they are at least half of all slots.
  private mutating func compact() {
    guard head * 2 >= elements.count else { return }
    elements.removeFirst(head)
    head = 0
  }
}
