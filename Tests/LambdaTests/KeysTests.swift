import Base
import Store
import Testing

@testable import Lambda

private let id = FunctionID(account: .one, region: .usEast1, name: "worker")

@Test func `no two kinds of rows share a key space`() throws {
  let layer = LayerID(account: .one, region: .usEast1, name: "tools")
  let keys: [(kind: String, key: Key)] = [
    ("function", Keys.function(id)), ("version", Keys.version(id, 1)), ("alias", Keys.alias(id, "live")),
    ("policy", Keys.policy(id, nil)), ("settings", Keys.settings(id)), ("URL", Keys.url(id, nil)), ("place of a URL", Keys.urlPlace("abc")),
    ("provisioned", Keys.provisioned(id, "live")), ("progress", Keys.progress(id)), ("snapshot", Keys.snapshot(id, "1")),
    ("mapping", Keys.mapping(.one, .usEast1, "1")), ("place of a mapping", Keys.mappingPlace("1")), ("shard", Keys.shard("1", "2")),
    ("result", Keys.mappingResult("1")), ("layer", Keys.layer(layer)), ("layer version", Keys.layerVersion(layer, 1)),
    ("layer policy", Keys.layerPolicy(layer, 1)), ("use", Keys.uses(of: "hash")), ("garbage", Keys.garbage("hash")),
  ]
  var kinds: [String: String] = [:]
  for (kind, key) in keys {
    var reader = KeyReader(key, after: Key("lambda"))
    let space = try reader.string()
    #expect(kinds.updateValue(kind, forKey: space) == nil, "\(kind) and \(kinds[space] ?? "") are both kept under \(space)")
  }
}
