import Base
import Store

/// Where Lambda's control plane keeps things. Nothing else makes keys of these spaces.
///
///     function  (lambda, f, account, region, name)              → StoredFunction
///     version   (lambda, v, account, region, name, number)      → FunctionVersion
///     alias     (lambda, a, account, region, name, alias)       → Alias
///     policy    (lambda, p, account, region, name, qualifier)   → ResourcePolicy; the qualifier is empty for the function
///     settings  (lambda, i, account, region, name, qualifier)   → EventInvokeSettings
///     url       (lambda, w, account, region, name, qualifier)   → FunctionURL; the qualifier is empty for the function
///     place     (lambda, x, url id)                             → the function and the qualifier of a URL
///     provisioned (lambda, provisioned, account, region, name, qualifier) → ProvisionedConcurrency
///     progress  (lambda, t, account, region, name)              → empty; functions whose creation or update is under way
///     snapshot  (lambda, z, account, region, name, version)     → empty; versions that have yet to be initialised (SnapStart)
///     mapping   (lambda, m, account, region, uuid)              → StoredMapping
///     place     (lambda, u, uuid)                               → account and Region of a mapping
///     pair      (lambda, n, account, region, source, function)  → uuid; a source feeds a function once
///     shard     (lambda, s, uuid, shard)                        → ShardRow; how far a mapping has read a shard of its stream
///     result    (lambda, r, uuid)                               → what the last batch of a stream's mapping came to
///     layer     (lambda, l, account, region, name)              → the highest number that was published
///     version   (lambda, k, account, region, name, -number)     → LayerVersion; the newest comes first
///     policy    (lambda, q, account, region, name, number)      → ResourcePolicy of a layer version
///     use       (lambda, c, hash, account, region, name, version) → empty; who needs a package: `layer:NAME` for a layer
///     signing   (lambda, signing, account, region, id)          → CodeSigning
///     garbage   (lambda, g, hash)                               → when the package was last found unused
enum Keys {
  static let functions = Key("lambda", "f")
  static let progress = Key("lambda", "t")
  static let mappings = Key("lambda", "m")
  static let snapshots = Key("lambda", "z")
  static let garbage = Key("lambda", "g")
  static let provisioned = Key("lambda", "provisioned")
  static let signings = Key("lambda", "signing")

  static func functions(_ account: AccountID) -> Key { functions.appending(account) }
  static func functions(_ account: AccountID, _ region: Region) -> Key { functions.appending(account, region) }
  static func function(_ id: FunctionID) -> Key { functions(id.account, id.region).appending(id.name) }
  static func versions(_ id: FunctionID) -> Key { of(id, "v") }
  static func version(_ id: FunctionID, _ number: Int) -> Key { of(id, "v").appending(number) }
  static func aliases(_ id: FunctionID) -> Key { of(id, "a") }
  static func alias(_ id: FunctionID, _ name: String) -> Key { of(id, "a").appending(name) }
  static func policies(_ id: FunctionID) -> Key { of(id, "p") }
  static func policy(_ id: FunctionID, _ qualifier: String?) -> Key { of(id, "p").appending(qualifier ?? "") }
  static func settings(_ id: FunctionID) -> Key { of(id, "i") }
  static func settings(_ id: FunctionID, _ qualifier: String) -> Key { of(id, "i").appending(qualifier) }
  static let urls = Key("lambda", "w")
  static func urls(_ id: FunctionID) -> Key { of(id, "w") }
  static func url(_ id: FunctionID, _ qualifier: String?) -> Key { of(id, "w").appending(qualifier ?? "") }
  static func urlPlace(_ id: String) -> Key { Key("lambda", "x", id) }
  static func provisioned(_ id: FunctionID) -> Key { of(id, "provisioned") }
  static func provisioned(_ id: FunctionID, _ qualifier: String) -> Key { of(id, "provisioned").appending(qualifier) }
  static func progress(_ id: FunctionID) -> Key { of(id, "t") }
  static func snapshots(_ id: FunctionID) -> Key { of(id, "z") }
  static func snapshot(_ id: FunctionID, _ version: String) -> Key { of(id, "z").appending(version) }

  static func mappings(_ account: AccountID, _ region: Region) -> Key { mappings.appending(account, region) }
  static func mapping(_ account: AccountID, _ region: Region, _ uuid: String) -> Key {
    mappings(account, region).appending(uuid)
  }
  static func mappingPlace(_ uuid: String) -> Key { Key("lambda", "u", uuid) }
  static func shards(_ uuid: String) -> Key { Key("lambda", "s", uuid) }
  static func shard(_ uuid: String, _ shard: String) -> Key { shards(uuid).appending(shard) }
  static func mappingResult(_ uuid: String) -> Key { Key("lambda", "r", uuid) }
  static func pair(_ mapping: EventSourceMapping) -> Key {
    Key("lambda", "n", mapping.account, mapping.region, mapping.source.text, mapping.functionARN)
  }

  static func uses(of hash: String) -> Key { Key("lambda", "c", hash) }
  static func use(of hash: String, by version: FunctionVersion) -> Key {
    uses(of: hash).appending(version.id.account, version.id.region, version.id.name, version.version)
  }
  static func use(of hash: String, by version: LayerVersion) -> Key {
    // No function has a colon in its name.
    uses(of: hash).appending(
      version.layer.account, version.layer.region, "layer:\(version.layer.name)", String(version.number))
  }

  static let layers = Key("lambda", "l")
  static func layers(_ account: AccountID) -> Key { layers.appending(account) }
  static func layers(_ account: AccountID, _ region: Region) -> Key { layers(account).appending(region) }
  static func layer(_ id: LayerID) -> Key { layers(id.account, id.region).appending(id.name) }
  static func layerVersions(_ id: LayerID) -> Key { Key("lambda", "k", id.account, id.region, id.name) }
  static func layerVersion(_ id: LayerID, _ number: Int) -> Key { layerVersions(id).appending(-number) }
  static func layerPolicy(_ id: LayerID, _ number: Int) -> Key {
    Key("lambda", "q", id.account, id.region, id.name).appending(number)
  }
  static func signings(_ account: AccountID) -> Key { signings.appending(account) }
  static func signings(_ account: AccountID, _ region: Region) -> Key { signings(account).appending(region) }
  static func signing(_ id: CodeSigningID) -> Key { signings(id.account, id.region).appending(id.id) }
  static func garbage(_ hash: String) -> Key { garbage.appending(hash) }

  private static func of(_ id: FunctionID, _ kind: String) -> Key { Key("lambda", kind, id.account, id.region, id.name) }
}
