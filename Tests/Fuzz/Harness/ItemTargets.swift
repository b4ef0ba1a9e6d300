import Base
@testable import DynamoDB
@testable import Store
@testable import Wire

/// Items: JSON of the API, stored form, JSON again. The order of keys is the order of the values.
func fuzzItem(_ bytes: [UInt8]) {
  if let item = try? ValueReader.item(RawJSON(bytes)) { checkItem(item) }
  let texts = bytes.parts(2).map(\.utf8Text)
  let numbers = texts.compactMap { try? Number($0) }
  for number in numbers {
    promise((try? Number(number.text)) == number, "a number is its text: \(number.text)")
    promise(Number(bytes: number.bytes) == number, "a number is its bytes: \(number.text)")
    promise(Number.length(number.bytes + [7]) == number.bytes.count, "a number ends where it ends")
    if let int = number.int { promise(Number(Int(int)) == number, "a whole number is one") }
  }
  if numbers.count == 2 { arithmetic(numbers[0], numbers[1]) }
  let (a, b) = (bytes.parts(2)[0], bytes.parts(2)[1])
  ordered(AttributeValue(string: a.utf8Text), AttributeValue(string: b.utf8Text))
  ordered(AttributeValue(.binary, a), AttributeValue(.binary, b))
}

private func arithmetic(_ a: Number, _ b: Number) {
  ordered(AttributeValue(a), AttributeValue(b))
  if let difference = try? a.subtracting(b) {
    let order: AttributeValue.Order = difference.digits.isEmpty ? .equal : difference.isNegative ? .less : .greater
    promise(AttributeValue(a).order(AttributeValue(b)) == order, "the order is the sign of the difference: \(a.text) \(b.text)")
    if let again = try? difference.adding(b) { promise(again == a, "what is taken away and added again: \(a.text) \(b.text)") }
  }
  if let sum = try? a.adding(b) { promise((try? b.adding(a)) == sum, "both ways the same sum") }
}

/// Keys: in the order of the values, and none the beginning of another.
private func ordered(_ a: AttributeValue, _ b: AttributeValue) {
  var (x, y): ([UInt8], [UInt8]) = ([], [])
  KeyBytes.append(a, to: &x)
  KeyBytes.append(b, to: &y)
  let order: AttributeValue.Order = x == y ? .equal : x.lexicographicallyPrecedes(y) ? .less : .greater
  promise(a.order(b) == order, "keys are in the order of their values")
  promise(x == y || !x.starts(with: y) && !y.starts(with: x), "no key begins with another")
}

/// An item that was read, or made by an update: it is written and read again.
func checkItem(_ item: Item) {
  let text = ValueText.json(item)
  promise((try? JSON.check(text.bytes)) != nil, "an item is written as JSON")
  do {
    let again = try ValueReader.item(text)
    promise(again == item, "what was written reads the same: \(text.bytes.utf8Text)")
  } catch { fatalError("broken: what was written can be read: \(error) \(text.bytes.utf8Text)") }
  promise(item.size >= 0, "an item has a size")
  let names = item.attributes.map(\.name)
  promise(zip(names, names.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }, "attributes are in order")
}

/// Expressions: condition, update, projection, key condition, the values behind the placeholders, the item.
func fuzzExpression(_ bytes: [UInt8]) {
  let parts = bytes.parts(6)
  guard let item = try? ValueReader.item(RawJSON(parts[5])) else { return }
  let cache = ExpressionCache()
  let (condition, update) = (parts[0].utf8Text, parts[1].utf8Text)
  if let bound = bind(condition, parts[4], { try cache.condition(condition, kind: "ConditionExpression", &$0) }) {
    checkCondition(bound, item)
  }
  if let update = bind(update, parts[4], { try cache.update(update, &$0) }) { checkUpdate(update, item) }
  let projection = parts[2].utf8Text
  if let compiled = try? Parser.projection(projection),
    let bindings = bind(projection, nil, { try $0.bind(compiled, kind: "ProjectionExpression") }),
    case let paths = compiled.body.map(bindings.resolved),
    let pick = try? Projection(paths)
  {
    let picked = pick(item)
    for path in paths where path.allSatisfy({ if case .name = $0 { true } else { false } }) {
      let evaluator = Evaluator(item: item, bindings: Bindings())
      let same = Evaluator(item: picked, bindings: Bindings()).resolved(path) == evaluator.resolved(path)
      promise(same, "what is picked is what the path names: \(path.shown)")
    }
    promise(picked.size <= item.size, "a part is no larger than the whole")
  }
  let key = parts[3].utf8Text
  if let bound = bind(key, parts[4], { try cache.condition(key, kind: "KeyConditionExpression", &$0) }) { checkKey(bound, item) }
}

private func bind<T>(_ text: String, _ values: [UInt8]?, _ body: (inout Substitutions) throws -> T) -> T? {
  guard !text.isEmpty, let lexer = try? Lexer(text, kind: "ConditionExpression") else { return nil }
  // A placeholder stands for its own name.
  let names = lexer.tokens.filter { $0.kind == .name }.map { lexer.text($0) }.map { ($0, String($0.dropFirst())) }
  let isValued = lexer.tokens.contains { $0.kind == .value }
  guard
    var substitutions = try? Substitutions(
      names: names.isEmpty ? nil : Dictionary(names, uniquingKeysWith: { first, _ in first }),
      values: isValued ? values.map { RawJSON($0) } : nil, hasExpressions: true)
  else { return nil }
  return try? body(&substitutions)
}

/// What a condition says is what its text says of the item's JSON.
func checkCondition(_ bound: BoundCondition, _ item: Item) {
  let naive = NaiveCondition(item: (try? JSON.parse(ValueText.json(item).bytes)) ?? .null, bindings: bound.bindings)
  promise(naive.holds(bound.condition) == bound.holds(item), "both judge alike")
  _ = bound.heads
}

func checkUpdate(_ update: Update, _ item: Item) {
  guard let updated = try? update(item) else { return }
  checkItem(updated)
  let heads = Set(update.heads)
  let kept = { (item: Item) in item.picking { !heads.contains(Array($0)) } }
  promise(kept(updated) == kept(item), "what an update does not name stays as it was")
  checkItem(update.touched(updated))
}

/// The rows of a query are those whose keys fulfil its condition.
private func checkKey(_ bound: BoundCondition, _ item: Item) {
  let types: [AttributeType] = [.string, .number, .binary]
  guard let hash = item["h"], let range = item["r"], types.contains(hash.type), types.contains(range.type) else { return }
  let schema = KeySchema(hash: KeyAttribute("h", hash.type), range: KeyAttribute("r", range.type))
  guard let condition = try? KeyCondition(bound, schema) else { return }
  let home = Key("items")
  var row = KeyBytes.partition(home, hash)
  KeyBytes.append(range, to: &row.bytes)
  promise(condition.rows(home).contains(row) == bound.holds(item), "the rows of a query are those that its condition means")
}

/// PartiQL: a statement, its parameters as JSON, and an item.
func fuzzPartiQL(_ bytes: [UInt8]) {
  let parts = bytes.parts(3)
  guard parts[0].count <= 8192, let item = try? ValueReader.item(RawJSON(parts[2])) else { return }
  let parameters = parts[1].isEmpty ? [] : (try? ValueReader.list(RawJSON(parts[1]))) ?? []
  guard let statement = try? StatementParser.parse(parts[0].utf8Text, parameters) else { return }
  if let condition = statement.condition {
    checkCondition(BoundCondition(condition: condition, bindings: statement.bindings), item)
  }
  switch statement.kind {
  case .insert(let new): checkItem(new)
  case .update(let actions, _):
    if let update = try? Update(actions, statement.bindings) { checkUpdate(update, item) }
  case .select, .delete, .exists: break
  }
  for (name, value) in statement.equalities() where item[name] != value {
    promise(!BoundCondition(condition: statement.condition ?? .and([]), bindings: statement.bindings).holds(item), "an equality is demanded")
  }
}
