import Base
import Fabric
import Testing

@Suite struct AccessTagTests {
  private let access = Access("sqs:TagQueue", on: "arn:aws:sqs:us-east-1:111111111111:q", owner: .local)

  @Test func `a policy can ask for the tags of a resource, whatever the case of their keys`() {
    #expect(access.having(["Team": "A"]).conditionValues == ["aws:resourcetag/team": ["A"]])
  }

  @Test func `a policy can ask for the tags that a request brings, and for their keys`() {
    let asked = access.bringing(["Team": "A", "stage": "prod"]).conditionValues
    #expect(asked["aws:requesttag/team"] == ["A"] && asked["aws:requesttag/stage"] == ["prod"])
    #expect(asked["aws:tagkeys"] == ["Team", "stage"])
  }

  @Test func `a policy can ask for the keys of tags that a request takes away`() {
    #expect(access.naming(["Team"]).conditionValues == ["aws:tagkeys": ["Team"]])
  }

  @Test func `where there are no tags there is nothing to ask for`() {
    for access in [access.having([:]), access.bringing(nil), access.bringing([:]), access.naming([])] {
      #expect(access.conditionValues.isEmpty)
    }
  }
}
