import Base
import Fabric

/// OpenID Connect providers: whose tokens the account's roles may be assumed with.
extension IAMService {
  var providerOperations: [Operation] {
    [
      operation(
        "CreateOpenIDConnectProvider", at: { "arn:aws:iam::\($1.account):oidc-provider/\(Self.address($0.url))" }, createProvider,
        { tagFacts($0.tags) }),
      operation("GetOpenIDConnectProvider", onARN: \GetOpenIDConnectProviderInput.openIDConnectProviderArn, getProvider),
      operation("ListOpenIDConnectProviders", at: { (_: NoInput, _) in "*" }, listProviders),
      operation(
        "DeleteOpenIDConnectProvider", onARN: \DeleteOpenIDConnectProviderInput.openIDConnectProviderArn, deleteProvider),
      operation(
        "UpdateOpenIDConnectProviderThumbprint",
        onARN: \UpdateOpenIDConnectProviderThumbprintInput.openIDConnectProviderArn,
        updateThumbprints),
      operation(
        "AddClientIDToOpenIDConnectProvider",
        onARN: \AddClientIDToOpenIDConnectProviderInput.openIDConnectProviderArn, addClient),
      operation(
        "RemoveClientIDFromOpenIDConnectProvider",
        onARN: \RemoveClientIDFromOpenIDConnectProviderInput.openIDConnectProviderArn,
        removeClient),
      operation("TagOpenIDConnectProvider", onARN: \TagOpenIDConnectProviderInput.openIDConnectProviderArn, tagProvider),
      operation(
        "UntagOpenIDConnectProvider", onARN: \UntagOpenIDConnectProviderInput.openIDConnectProviderArn, untagProvider),
      operation(
        "ListOpenIDConnectProviderTags", onARN: \ListOpenIDConnectProviderTagsInput.openIDConnectProviderArn, listProviderTags),
    ]
  }

  /// A URL without its scheme and the slash at its end, as ARNs and condition keys have it.
  static func address(_ url: String) -> String {
    var address = url
    if address.lowercased().hasPrefix("https://") { address.removeFirst("https://".count) }
    while address.hasSuffix("/") { address.removeLast() }
    return address
  }

  private func createProvider(_ input: CreateOpenIDConnectProviderInput, _ call: Call) async throws
    -> CreateOpenIDConnectProviderOutput
  {
    let address = Self.address(input.url)
    guard input.url.lowercased().hasPrefix("https://"), !address.isEmpty, !address.hasPrefix("/"),
      !address.contains("?"), !address.contains("#"), !address.contains(" ")
    else { throw IAMError.invalidInput("Invalid Open ID Connect Provider URL") }
    let clients = try Self.clients(input.clientIDList ?? [])
    let thumbprints = try Self.thumbprints(input.thumbprintList ?? [])
    let provider = IdentityProvider(
      account: call.account, url: address, clientIDs: clients, thumbprints: thumbprints, created: call.second,
      tags: try [Tag](input.tags).checked())
    try await change(call.account) { tx in
      guard try tx.findProvider(address) == nil else {
        throw IAMError.alreadyExists("Provider with url \(input.url) already exists.")
      }
      guard try tx.providers().count < IAMLimits.oidcProviders else {
        throw IAMError.quota("OpenIdConnectProvidersPerAccount", IAMLimits.oidcProviders)
      }
      try tx.save(provider)
    }
    var output = CreateOpenIDConnectProviderOutput()
    output.openIDConnectProviderArn = provider.arn
    if !provider.tags.isEmpty { output.tags = provider.tags.shapes }
    return output
  }

  private static func clients(_ ids: [String]) throws -> [String] {
    guard ids.count <= IAMLimits.oidcClients else {
      throw IAMError.quota("ClientIdsPerOpenIdConnectProvider", IAMLimits.oidcClients)
    }
    var out: [String] = []
    for id in ids where !out.contains(id) { out.append(id) }
    return out
  }

  private static func thumbprints(_ list: [String]) throws -> [String] {
    guard list.count <= IAMLimits.oidcThumbprints else {
      throw IAMError.invalidInput("Thumbprint list must contain fewer than \(IAMLimits.oidcThumbprints) entries.")
    }
    for thumbprint in list where thumbprint.utf8.count != 40 || decodeHex(thumbprint) == nil {
      throw IAMError.invalidInput("Thumbprint \(thumbprint) is not a hex-encoded SHA-1 hash.")
    }
    return list
  }

  private func getProvider(_ input: GetOpenIDConnectProviderInput, _ call: Call) async throws -> GetOpenIDConnectProviderOutput {
    let provider = try await read(call.account) { try $0.getProvider(input.openIDConnectProviderArn) }
    var output = GetOpenIDConnectProviderOutput()
    (output.url, output.clientIDList, output.thumbprintList) = (provider.url, provider.clientIDs, provider.thumbprints)
    output.createDate = provider.created
    if !provider.tags.isEmpty { output.tags = provider.tags.shapes }
    return output
  }

  private func listProviders(_: NoInput, _ call: Call) async throws -> ListOpenIDConnectProvidersOutput {
    var output = ListOpenIDConnectProvidersOutput()
    output.openIDConnectProviderList = try await read(call.account) { try $0.providers() }.map { provider in
      var entry = OpenIDConnectProviderListEntry()
      entry.arn = provider.arn
      return entry
    }
    return output
  }

  private func deleteProvider(_ input: DeleteOpenIDConnectProviderInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.delete(tx.getProvider(input.openIDConnectProviderArn)) }
  }

  private func updateThumbprints(_ input: UpdateOpenIDConnectProviderThumbprintInput, _ call: Call) async throws {
    let thumbprints = try Self.thumbprints(input.thumbprintList)
    try await edit(input.openIDConnectProviderArn, call) { $0.thumbprints = thumbprints }
  }

  /// An id that is there already, or is not, is no error.
  private func addClient(_ input: AddClientIDToOpenIDConnectProviderInput, _ call: Call) async throws {
    try await edit(input.openIDConnectProviderArn, call) { $0.clientIDs = try Self.clients($0.clientIDs + [input.clientID]) }
  }
  private func removeClient(_ input: RemoveClientIDFromOpenIDConnectProviderInput, _ call: Call) async throws {
    try await edit(input.openIDConnectProviderArn, call) { $0.clientIDs.removeAll { $0 == input.clientID } }
  }

  private func tagProvider(_ input: TagOpenIDConnectProviderInput, _ call: Call) async throws {
    let tags = try [Tag](input.tags).checked()
    try await edit(input.openIDConnectProviderArn, call) { try $0.tags.merge(tags) }
  }
  private func untagProvider(_ input: UntagOpenIDConnectProviderInput, _ call: Call) async throws {
    try await edit(input.openIDConnectProviderArn, call) { $0.tags.remove(input.tagKeys) }
  }
  private func listProviderTags(_ input: ListOpenIDConnectProviderTagsInput, _ call: Call) async throws
    -> ListOpenIDConnectProviderTagsOutput
  {
    let tags = try await read(call.account) { try $0.getProvider(input.openIDConnectProviderArn).tags }
    return try ListOpenIDConnectProviderTagsOutput(tags, after: input.marker, limit: input.maxItems)
  }

  private func edit(
    _ arn: String, _ call: Call, _ body: @escaping @Sendable (inout IdentityProvider) throws -> Void
  ) async throws {
    try await change(call.account) { tx in
      var provider = try tx.getProvider(arn)
      try body(&provider)
      try tx.save(provider)
    }
  }
}
