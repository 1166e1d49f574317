-- Who uses the global STS endpoint: a query for Athena over an organization trail.
--
-- What to set: the table in both FROM clauses ({table}), which is the one that "Querying AWS CloudTrail logs" in the Athena user guide
-- creates, and, if the table has partitions, a condition on them in both WHERE clauses, such as AND timestamp >= '2026/08/29'.
-- Keep everything else: v2token impact trusts the rows of the second part to tell which hours of which accounts were searched.
--
-- The result has no session token and no access key id. Download it as CSV, and give it to
--   v2token impact --offline --accounts-from accounts.csv --events result.csv
SELECT
  eventversion, eventtime, eventsource, eventname, awsregion, useragent, errorcode, eventid, sharedeventid, recipientaccountid, readonly,
  CASE WHEN regexp_like(sourceipaddress, '\.amazonaws\.com$|^AWS Internal$') THEN sourceipaddress ELSE '' END AS sourceipaddress,
  json_format(CAST(MAP(
    ARRAY['type', 'arn', 'accountId', 'invokedBy', 'issuerArn'],
    ARRAY[useridentity.type, useridentity.arn, useridentity.accountid, useridentity.invokedby, useridentity.sessioncontext.sessionissuer.arn]
  ) AS JSON)) AS useridentity,
  json_format(CAST(MAP(ARRAY['roleArn'], ARRAY[json_extract_scalar(requestparameters, '$.roleArn')]) AS JSON)) AS requestparameters,
  json_format(CAST(MAP(ARRAY['sessionTokenSize'], ARRAY[COALESCE(
    json_extract_scalar(responseelements, '$.sessionTokenSize'),
    CAST(length(json_extract_scalar(responseelements, '$.credentials.sessionToken')) AS varchar)
  )]) AS JSON)) AS responseelements,
  additionaleventdata,
  json_format(CAST(MAP(ARRAY['clientProvidedHostHeader'], ARRAY[tlsdetails.clientprovidedhostheader]) AS JSON)) AS tlsdetails,
  '' AS coverage_hours
FROM {table}
WHERE eventsource = 'sts.amazonaws.com'
  AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'GetSessionToken', 'GetFederationToken')
  AND eventtime >= '{since}'
UNION ALL
SELECT
  '1.11', substr(eventtime, 1, 10), '{source}', '{name}', 'us-east-1', '', '', '', '', recipientaccountid, 'true',
  '', '', '', '', '', '',
  CAST(bitwise_or_agg(bitwise_left_shift(CAST(1 AS bigint), CAST(substr(eventtime, 12, 2) AS bigint))) AS varchar)
FROM {table}
WHERE awsregion = 'us-east-1' AND readonly = 'true' AND eventsource <> 'sts.amazonaws.com'
  AND COALESCE(NULLIF(eventcategory, ''), 'Management') = 'Management'
  AND eventtime >= '{since}'
GROUP BY recipientaccountid, substr(eventtime, 1, 10)
