import Base
import Yams

/// The settings of a file in YAML: one mapping of names to values.
enum ConfigurationFile {
  static let maximumBytes = 1 << 20

  static func read(_ content: [UInt8], _ path: String) throws -> [(name: String, texts: [String])] {
    let document: Node?
    do { document = try Yams.compose(yaml: content.utf8Text) } catch {
      throw ConfigurationError("\(path) is not YAML: \(error)")
    }
    guard let document, document.scalar?.string != "" else { return [] }
    guard let mapping = document.mapping else { throw ConfigurationError("\(path) must be a mapping of settings to values.") }
    return try mapping.map { key, value in
      let place = "\(path):\(key.mark?.line ?? 0)"
      guard let name = key.string else { throw ConfigurationError("\(place): a setting must have a name.") }
      guard let setting = Settings.all.first(where: { $0.name == name }) else {
        throw ConfigurationError.unknown("\(place): '\(name)'", name, among: Settings.all.map(\.name))
      }
      return (name, try texts(value, setting, place))
    }
  }

  private static func texts(_ value: Node, _ setting: Setting, _ place: String) throws -> [String] {
    if case .structure = setting.kind { return [try Yams.serialize(node: value)] }
    if let sequence = value.sequence {
      guard setting.isList else { throw ConfigurationError("\(place): \(setting.name) takes one value, not a list.") }
      return try sequence.map { item in
        guard let text = item.scalar?.string else { throw ConfigurationError("\(place): \(setting.name) is a list of texts.") }
        return text
      }
    }
    guard let scalar = value.scalar, value.tag != Tag(.null), !(scalar.style == .plain && ["", "~", "null"].contains(scalar.string)) else {
      throw ConfigurationError("\(place): \(setting.name) needs a value: \(setting.form).")
    }
    return [scalar.string]
  }
}
