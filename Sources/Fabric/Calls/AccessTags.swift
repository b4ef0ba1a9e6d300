import Base

/// Tags as policies may ask for them (IAM User Guide, "Controlling access to AWS resources using tags").
extension Access {
  /// With the tags that the resource has: `aws:ResourceTag/KEY`.
  public func having(_ tags: [String: String]) -> Access {
    guard !tags.isEmpty else { return self }
    var access = self
    for (key, value) in tags { access.conditionValues["aws:resourcetag/\(key.lowercased())"] = [value] }
    return access
  }

  /// With the tags that the request brings: `aws:RequestTag/KEY` and `aws:TagKeys`.
  public func bringing(_ tags: [String: String]?) -> Access {
    guard let tags, !tags.isEmpty else { return self }
    var access = naming(tags.keys.sorted())
    for (key, value) in tags { access.conditionValues["aws:requesttag/\(key.lowercased())"] = [value] }
    return access
  }

  /// With the keys of the tags that the request adds or takes away: `aws:TagKeys`.
  public func naming(_ tagKeys: [String]) -> Access {
    guard !tagKeys.isEmpty else { return self }
    var access = self
    access.conditionValues["aws:tagkeys"] = tagKeys
    return access
  }
}
