/// Places by byte sequences, of which a text finds all that it begins with.
struct ByteTree: Sendable {
  private struct Node: Sendable {
    var children: [UInt8: Int] = [:]
    var places: [Int] = []
  }
  private var nodes = [Node()]

  var isEmpty: Bool { nodes.count == 1 }

  mutating func insert(_ place: Int, _ bytes: [UInt8]) {
    var node = 0
    for byte in bytes {
      if let child = nodes[node].children[byte] {
        node = child
      } else {
        nodes.append(Node())
        nodes[node].children[byte] = nodes.count - 1
        node = nodes.count - 1
      }
    }
    nodes[node].places.append(place)
  }

  func collect(_ bytes: some Sequence<UInt8>, _ found: inout [Int]) {
    var node = 0
    for byte in bytes {
      guard let child = nodes[node].children[byte] else { return }
      node = child
      if !nodes[node].places.isEmpty { found += nodes[node].places }
    }
  }

  func count(along bytes: [UInt8]) -> Int {
    var (node, count) = (0, 0)
    for byte in bytes {
      guard let child = nodes[node].children[byte] else { return count }
      node = child
      count += nodes[node].places.count
    }
    return count
  }
}
