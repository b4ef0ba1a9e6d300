import Base
import Crypto
import Fabric
import Testing

@testable import IAM

struct WebIdentityTests {
  private static let issuer = "https://token.example.com/pool"
  private static let address = "token.example.com/pool"
  private let key = P256.Signing.PrivateKey()
  private let cloud: Cloud

  init() { self.init { $0 } }
  /// - Parameter keys: makes the members of the key set out of the good key.
  private init(keys: (String) -> String) {
    let point = Array(key.publicKey.x963Representation)
    let (x, y) = (Self.url(Array(point[1..<33])), Self.url(Array(point[33...])))
    cloud = Cloud(
      IdentityConfiguration(webIdentityProviders: [
        WebIdentityProvider(
          issuer: Self.issuer,
          keySet: #"{"keys":[\#(keys(#"{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"k1","x":"\#(x)","y":"\#(y)"}"#))]}"#)
      ]))
  }

  private static func url(_ bytes: [UInt8]) -> String {
    bytes.base64.replacing("+", by: "-").replacing("/", by: "_").replacing("=", by: "")
  }

  private func token(_ claims: [String: JSON] = [:], header: String = #"{"alg":"ES256","kid":"k1","typ":"JWT"}"#) throws -> String {
    var all: [String: JSON] = [
      "iss": .string(Self.issuer), "sub": "repo:acme/app", "aud": "client-1", "exp": .int(cloud.clock.now().seconds + 300),
    ]
    all.merge(claims) { $1 }
    let payload = JSON.object(JSONObject(all.filter { !$0.value.isNull }.map { ($0.key, $0.value) }))
    let signed = Self.url(Array(header.utf8)) + "." + Self.url(payload.bytes)
    return signed + "." + Self.url(Array(try key.signature(for: Array(signed.utf8)).rawRepresentation))
  }

  private func provider(_ clients: [String] = ["client-1"]) async throws -> String {
    var input = CreateOpenIDConnectProviderInput()
    (input.url, input.clientIDList, input.thumbprintList) = (Self.issuer, clients, [String(repeating: "a", count: 40)])
    let output: CreateOpenIDConnectProviderOutput = try await cloud.call("CreateOpenIDConnectProvider", input)
    return try #require(output.openIDConnectProviderArn)
  }
  private func role(_ provider: String, if condition: String = "{}", actions: String = #""sts:AssumeRoleWithWebIdentity""#)
    async throws -> String
  {
    var input = CreateRoleInput()
    input.roleName = "web"
    input.assumeRolePolicyDocument = policy(
      #"{"Effect":"Allow","Principal":{"Federated":"\#(provider)"},"Action":\#(actions),"Condition":\#(condition)}"#)
    let output: CreateRoleOutput = try await cloud.call("CreateRole", input)
    return output.role.arn
  }
  private func assume(_ role: String, _ token: String, _ more: (inout AssumeRoleWithWebIdentityInput) -> Void = { _ in })
    async throws -> AssumeRoleWithWebIdentityOutput
  {
    var input = AssumeRoleWithWebIdentityInput()
    (input.roleArn, input.roleSessionName, input.webIdentityToken) = (role, "ci", token)
    more(&input)
    return try await cloud.call("AssumeRoleWithWebIdentity", input, as: .anonymous)
  }

  @Test func `a token becomes a session of the role`() async throws {
    let provider = try await provider()
    #expect(provider == "arn:aws:iam::111111111111:oidc-provider/\(Self.address)")
    let role = try await role(
      provider,
      if: #"{"StringEquals":{"\#(Self.address):aud":"client-1"},"StringLike":{"\#(Self.address):sub":"repo:acme/*"}}"#)
    let output = try await assume(role, try token())
    #expect(output.assumedRoleUser?.arn == "arn:aws:sts::111111111111:assumed-role/web/ci")
    #expect(output.subjectFromWebIdentityToken == "repo:acme/app" && output.audience == "client-1" && output.provider == provider)
    let credentials = try #require(output.credentials)
    let identity = try await cloud.service.identity(
      accessKeyID: credentials.accessKeyId, sessionToken: credentials.sessionToken, now: cloud.clock.now())
    #expect(identity.conditionValues["aws:federatedprovider"] == [provider])
    #expect(identity.conditionValues["\(Self.address):sub"] == ["repo:acme/app"])
  }

  @Test func `the trust policy decides on the token's claims`() async throws {
    let role = try await role(try await provider(), if: #"{"StringEquals":{"\#(Self.address):sub":"repo:acme/other"}}"#)
    let error = try await refusal { _ = try await assume(role, try token()) }
    #expect(error.code == "AccessDeniedException" && error.message == "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    #expect(cloud.service.recentDenials.first?.missingStatement?.contains("Federated") == true)
    let missing = try await refusal { _ = try await assume(role + "x", try token()) }
    #expect(missing.message == "Not authorized to perform sts:AssumeRoleWithWebIdentity")
  }

  @Test func `a role that trusts another provider does not trust this one`() async throws {
    _ = try await provider()
    let role = try await role("arn:aws:iam::111111111111:oidc-provider/elsewhere.example.com")
    await #expect(throws: AWSError.self) { _ = try await assume(role, try token()) }
  }

  @Test(arguments: [
    (["aud": "client-2"], "InvalidIdentityTokenException", "Incorrect token audience"),
    (["aud": "client-1", "azp": "client-2"], "InvalidIdentityTokenException", "Incorrect token audience"),
    (["exp": 1_600_000_000], "ExpiredTokenException", "Token expired: current date/time 1700000000 must be before"),
    (["nbf": 1_800_000_000], "InvalidIdentityTokenException", "not yet valid"),
    (["iss": "https://nobody.example.com"], "InvalidIdentityTokenException", "No OpenIDConnect provider found in your account for"),
    (["sub": nil], "InvalidIdentityTokenException", "not a valid JWT"),
  ] as [([String: JSON], String, String)])
  func `a token that does not hold is refused`(claims: [String: JSON], code: String, message: String) async throws {
    let role = try await role(try await provider())
    let error = try await refusal { _ = try await assume(role, try token(claims)) }
    #expect(error.code == code && error.message.contains(message))
  }

  @Test func `only a signature by the issuer's key counts`() async throws {
    let role = try await role(try await provider())
    let good = try token()
    let parts = good.split(separator: ".").map(String.init)
    let forged = try WebIdentityTests().token()
    for bad in [
      forged, "\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1]).AAAA",
      "\(Self.url(Array(#"{"alg":"none"}"#.utf8))).\(parts[1]).", try token(header: #"{"alg":"HS256","kid":"k1"}"#) + "x", "a.b", "",
    ] {
      let error = try await refusal { _ = try await assume(role, bad) }
      #expect(error.code == "InvalidIdentityTokenException")
    }
    _ = try await assume(role, good)
  }

  @Test func `an unusual key costs its issuer only itself`() async throws {
    let odd = #"{"kty":"oct","kid":"o","k":"AAAA"},{"kty":"RSA","alg":"XX1","kid":"q","n":"AQAB","e":"AQAB"},{"kty":"RSA"},7"#
    let mixed = WebIdentityTests { "\(odd),\($0)" }
    _ = try await mixed.assume(try await mixed.role(try await mixed.provider()), try mixed.token())
    let none = WebIdentityTests { _ in odd }
    let role = try await none.role(try await none.provider())
    let error = try await refusal { _ = try await none.assume(role, try none.token()) }
    #expect(error.message.hasPrefix("Couldn't retrieve verification key from your identity provider"))
  }

  @Test func `the algorithm that a forged token names does not stick to the key`() async throws {
    let modulus =
      "vnLqAPvaAIas-JpapklX-BZxQOwzJdWRvi26rs-4J0ljue610iw6jx1vNvewz5Nhekub_xjTuqJeWBJcksX0Khbbk0cGK9wm"
      + "IKiZ05sPod-e_kIEzzlHCwwWVIftxWNG1sZ5592RMq_q1hirnUzv8MB2fgDIjA1-QKecitwZ28O3mZZ4hCN1hX2PKJLTFELg"
      + "Y2OJSNrDcbp7NeMkxUMhRLIVclLfJexc3xYyKjHcxO6B2HuYkhFQEo-q6m5d1vEQRVGiox08Nb3H-HwCgaloOWNZSVDWAiDj"
      + "Kzyf5A8OhiYaD8GfK0LkCtCSWMXuLHuWhfthjBlNTiaLxiRpHGZSNQ"
    // Signed once with openssl; the claims are those of `token`.
    let claims =
      "eyJpc3MiOiJodHRwczovL3Rva2VuLmV4YW1wbGUuY29tL3Bvb2wiLCJzdWIiOiJyZXBvOmFjbWUvYXBwIiwiYXVkIjoiY2xp"
      + "ZW50LTEiLCJleHAiOjE3MDAwMDAzMDB9"
    let signature =
      "b5cS-VEOUi1M-8ttCEszIFhwwmslvxa7IncKYny2_Ra2Vg34QgwpOlw4by_xRjB5fF1bDDpcRv8pidWhQmUkkV7zAmkoU0db"
      + "8NqoxDiLnGPoAdlZrupuuvytdbvzPJmBh5exJ_WI695ywIDqEkYKWYDzAu5OC-U5eYZZSwm5S0S-nfb--qROVnbG3mPf6UAt"
      + "YyIdPP2szO8JWkGWFDSOAjzKxelceisZcYd6uIzo9XEYYr9mz3VKdvIolBO_PtlFjdrHTnsTpIF63Ohjtd2n-KLsHNNgOkYi"
      + "UYPr_sM2qbqiYmc8n2AEEga8Wsfrm7xfVvBzuGjJhlmRJK8D0KxEcQ"
    let rsa = WebIdentityTests { _ in #"{"kty":"RSA","kid":"r1","n":"\#(modulus)","e":"AQAB"}"# }
    let role = try await rsa.role(try await rsa.provider())
    for (algorithm, isGood) in [("RS384", false), ("RS256", true), ("PS256", false), ("RS256", true)] {
      let token = Self.url(Array(#"{"alg":"\#(algorithm)","kid":"r1"}"#.utf8)) + ".\(claims).\(signature)"
      let result = await Result { try await rsa.assume(role, token) }
      #expect(((try? result.get()) != nil) == isGood, "\(algorithm)")
    }
  }

  @Test func `the party to whom a token was issued comes before its audience`() async throws {
    let role = try await role(
      try await provider(["app"]),
      if: #"{"StringEquals":{"\#(Self.address):aud":"app"},"ForAnyValue:StringEquals":{"\#(Self.address):oaud":"api"}}"#)
    #expect(try await assume(role, try token(["aud": ["api", "other"], "azp": "app"])).audience == "app")
  }

  @Test func `tags in a token need the trust policy's consent`() async throws {
    let provider = try await provider()
    let claims: [String: JSON] = [
      "https://aws.amazon.com/tags": ["principal_tags": ["team": ["blue"]], "transitive_tag_keys": ["team"]]
    ]
    let role = try await role(provider)
    await #expect(throws: AWSError.self) { _ = try await assume(role, try token(claims)) }
    var update = UpdateAssumeRolePolicyInput()
    update.roleName = "web"
    update.policyDocument = policy(
      #"{"Effect":"Allow","Principal":{"Federated":"\#(provider)"},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"]}"#)
    try await cloud.perform("UpdateAssumeRolePolicy", update)
    let credentials = try #require(try await assume(role, try token(claims)).credentials)
    let identity = try await cloud.service.identity(
      accessKeyID: credentials.accessKeyId, sessionToken: credentials.sessionToken, now: cloud.clock.now())
    guard case .role(let session) = identity.principal else { return }
    #expect(session.sessionTags == ["team": "blue"])
  }

  @Test func `durations follow the role`() async throws {
    let role = try await role(try await provider())
    for (seconds, isGood) in [(900, true), (3600, true), (3601, false), (899, false)] {
      let result = await Result { try await assume(role, try token()) { $0.durationSeconds = seconds } }
      #expect(((try? result.get()) != nil) == isGood)
    }
  }

  @Test func `providers live with their clients and thumbprints`() async throws {
    let arn = try await provider()
    let again = try await refusal { _ = try await provider() }
    #expect(again.code == "EntityAlreadyExistsException")
    var add = AddClientIDToOpenIDConnectProviderInput()
    (add.openIDConnectProviderArn, add.clientID) = (arn, "client-2")
    try await cloud.perform("AddClientIDToOpenIDConnectProvider", add)
    try await cloud.perform("AddClientIDToOpenIDConnectProvider", add)
    var remove = RemoveClientIDFromOpenIDConnectProviderInput()
    (remove.openIDConnectProviderArn, remove.clientID) = (arn, "client-1")
    try await cloud.perform("RemoveClientIDFromOpenIDConnectProvider", remove)
    var thumbprints = UpdateOpenIDConnectProviderThumbprintInput()
    (thumbprints.openIDConnectProviderArn, thumbprints.thumbprintList) = (arn, [String(repeating: "b", count: 40)])
    try await cloud.perform("UpdateOpenIDConnectProviderThumbprint", thumbprints)
    var get = GetOpenIDConnectProviderInput()
    get.openIDConnectProviderArn = arn
    let shown: GetOpenIDConnectProviderOutput = try await cloud.call("GetOpenIDConnectProvider", get)
    #expect(shown.url == Self.address && shown.clientIDList == ["client-2"])
    #expect(shown.thumbprintList == [String(repeating: "b", count: 40)])
    let list: ListOpenIDConnectProvidersOutput = try await cloud.call("ListOpenIDConnectProviders", NoInput())
    #expect(list.openIDConnectProviderList?.map(\.arn) == [arn])
    var delete = DeleteOpenIDConnectProviderInput()
    delete.openIDConnectProviderArn = arn
    try await cloud.perform("DeleteOpenIDConnectProvider", delete)
    let gone = try await refusal { let _: GetOpenIDConnectProviderOutput = try await cloud.call("GetOpenIDConnectProvider", get) }
    #expect(gone.code == "NoSuchEntityException")
  }

  @Test(arguments: ["http://token.example.com", "https://", "token.example.com", "https://x.example.com?a=b"])
  func `a provider has a plain https address`(url: String) async throws {
    var input = CreateOpenIDConnectProviderInput()
    input.url = url
    let error = try await refusal {
      let _: CreateOpenIDConnectProviderOutput = try await cloud.call("CreateOpenIDConnectProvider", input)
    }
    #expect(error.code == "InvalidInputException")
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
