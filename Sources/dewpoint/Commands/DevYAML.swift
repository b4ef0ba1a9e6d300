import Base
import Yams

/// A template as JSON: the short forms of functions (`!Ref Queue`) become the long ones.
enum DevYAML {
  static let maximumBytes = 1 << 20
  /// Values of a template; references can make many of few.
  private static let maximumValues = 100_000

  static func json(_ content: [UInt8], _ path: String) throws -> JSON {
    let document: Node?
    do { document = try Yams.compose(yaml: content.utf8Text) } catch { throw DevError("\(path) is not YAML: \(firstLine("\(error)"))") }
    guard let document, document.mapping != nil else { throw DevError("\(path) is not a template.") }
    var room = maximumValues
    return try value(document, path, &room)
  }

  private static func firstLine(_ text: String) -> String {
    text.split(separator: "\n").first.map(String.init) ?? text
  }

  private static func value(_ node: Node, _ path: String, _ room: inout Int) throws -> JSON {
    room -= 1
    guard room > 0 else { throw DevError("\(path) has too many values.") }
    let plain: JSON
    if let mapping = node.mapping {
      var object = JSONObject()
      for (key, item) in mapping { object[key.scalar?.string ?? "\(key)"] = try value(item, path, &room) }
      plain = .object(object)
    } else if let sequence = node.sequence {
      var items: [JSON] = []
      for item in sequence { items.append(try value(item, path, &room)) }
      plain = .array(items)
    } else {
      plain = scalar(node)
    }
    let tag = "\(node.tag)"
    guard tag.hasPrefix("!"), !tag.hasPrefix("!!"), tag.count > 1 else { return plain }
    let name = tag.dropFirst()
    return .object(JSONObject([(name == "Ref" || name == "Condition" ? String(name) : "Fn::\(name)", plain)]))
  }

  private static func scalar(_ node: Node) -> JSON {
    guard let scalar = node.scalar else { return .null }
    guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
    switch scalar.string {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    case "", "~", "null": return .null
    case let text:
      // `007` and `1e3` are texts to those who write them as names.
      if let number = Int64(text), String(number) == text { return .int(number) }
      return .string(text)
    }
  }
}
