import Base
import IAM
import Yams

/// The issuers of web identities that the operator trusts, from YAML.
enum WebIdentitySetting {
  static let form = "list of mappings with `issuer`, `jwks` or `jwks-file`, and `audiences`"
  private static let members = ["issuer", "jwks", "jwks-file", "audiences"]
  /// Of a key set.
  private static let maximumBytes = 1 << 20

  static func read(_ text: String) throws -> [WebIdentityProvider] {
    guard let entries = (try? Yams.compose(yaml: text))?.sequence else { throw wrong("must be a \(form)") }
    let providers = try entries.map(provider)
    guard Set(providers.map(\.issuer)).count == providers.count else { throw wrong("names an issuer twice") }
    return providers
  }

  private static func provider(_ entry: Node) throws -> WebIdentityProvider {
    guard let mapping = entry.mapping else { throw wrong("must be a \(form)") }
    for (key, _) in mapping {
      let name = key.scalar?.string ?? ""
      guard members.contains(name) else { throw ConfigurationError.unknown("web-identity: '\(name)'", name, among: members) }
    }
    guard let issuer = mapping["issuer"]?.scalar?.string, issuer.hasPrefix("https://") || issuer.hasPrefix("http://") else {
      throw wrong("needs an issuer that is a URL")
    }
    return WebIdentityProvider(issuer: issuer, keySet: try keySet(mapping, issuer), audiences: try audiences(mapping, issuer))
  }

  private static func keySet(_ mapping: Node.Mapping, _ issuer: String) throws -> String {
    let text: String
    switch (mapping["jwks"]?.scalar?.string, mapping["jwks-file"]?.scalar?.string) {
    case (let keys?, nil): text = keys
    case (nil, let file?):
      do {
        guard let bytes = try Files.read(file, limit: maximumBytes) else { throw wrong("\(issuer): there is no file \(file)") }
        text = bytes.utf8Text
      } catch let error as FileError { throw wrong("\(issuer): \(error)") }
    default: throw wrong("\(issuer): needs one of jwks, as a text, and jwks-file")
    }
    guard let keys = (try? JSON.parse(Array(text.utf8)))?["keys"], case .array = keys else {
      throw wrong("\(issuer): its key set is not a JSON Web Key Set")
    }
    return text
  }

  private static func audiences(_ mapping: Node.Mapping, _ issuer: String) throws -> [String] {
    guard let node = mapping["audiences"] else { return [] }
    guard let texts = node.sequence?.map({ $0.scalar?.string }), !texts.contains(nil) else {
      throw wrong("\(issuer): audiences is a list of texts")
    }
    return texts.compactMap(\.self)
  }

  private static func wrong(_ text: String) -> ConfigurationError { ConfigurationError("web-identity \(text).") }
}
