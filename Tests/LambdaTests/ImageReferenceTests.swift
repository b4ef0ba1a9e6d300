import Testing

@testable import Lambda

private let hex = String(repeating: "0a", count: 32)

@Test(arguments: [
  ("oci:/a/b", .layout("/a/b"), .any), ("oci:/a/b:1.0", .layout("/a/b"), .tag("1.0")), ("oci:/a@sha256:\(hex)", .layout("/a"), .digest(hex)),
  ("oci-archive:/a/b.tar:x", .archive("/a/b.tar"), .tag("x")),
  ("docker-archive:/a.tar:library/app:2", .dockerArchive("/a.tar"), .tag("library/app:2")),
  ("111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/app:1", .repository("team/app"), .tag("1")),
  ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/app@sha256:\(hex)", .repository("app"), .digest(hex)),
  ("000000000000.dkr.ecr.us-east-1.localhost.localstack.cloud:4566/app:1", .repository("app"), .tag("1")),
] as [(String, ImageReference.Place, ImageReference.Selector)])
func `an image is named by a place of the host or by a repository`(
  uri: String, place: ImageReference.Place, selector: ImageReference.Selector
) throws {
  let reference = try ImageReference(uri)
  #expect(reference.place == place && reference.selector == selector)
  #expect(ImageReference.resolved(uri, digest: hex) == reference.base + "@sha256:" + hex)
}

@Test(arguments: [
  "", "app", "app:latest", "docker.io/library/app:1", "public.ecr.aws/lambda/python:3.12", "oci:", "oci:a", "oci:a/b:1", "oci:/a/../b:1",
  "oci:/a:", "oci:/a:..", "oci:/a@sha256:12", "oci:/a@md5:\(hex)", "oci:/a b", "oci:/a\u{0}", "docker:/a",
  "111122223333.dkr.ecr.eu-west-1.amazonaws.com/app", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/:1",
  "111122223333.dkr.ecr.eu-west-1.amazonaws.com/../app:1", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a/.hidden:1",
  "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a//b:1", "11112222333.dkr.ecr.eu-west-1.amazonaws.com/app:1",
  "oci:/" + String(repeating: "a", count: 2048),
])
func `what names no image is not valid`(uri: String) {
  #expect(throws: ImageError.invalidReference) { try ImageReference(uri) }
}
