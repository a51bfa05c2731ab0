// Why: what the pinned reference decides is recorded once, so that the tests need neither node nor the package.
// node record.mjs cases.json documented.json   (see README.md)
import { readFileSync, writeFileSync } from 'node:fs'
import { anonymousPrincipal, runSimulation } from '@cloud-copilot/iam-simulate'

const TYPES = { user: 'User', 'assumed-role': 'AssumedRole', root: 'Account', anonymous: 'Anonymous' }

for (const file of process.argv.slice(2)) {
  const table = JSON.parse(readFileSync(file, 'utf8'))
  for (const entry of table.cases) {
    const decided = await decide(entry, table.principals[entry.principal])
    entry[entry.source ? 'recorded' : 'expected'] = decided
  }
  const lines = table.cases.map((entry) => '  ' + JSON.stringify(entry)).join(',\n')
  const principals = Object.entries(table.principals).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`)
  writeFileSync(file, `{\n "principals": {\n${principals.join(',\n')}\n },\n "cases": [\n${lines}\n ]\n}\n`)
}

async function decide(entry, principal) {
  const anonymous = principal.kind === 'anonymous'
  const result = await runSimulation(
    {
      request: {
        principal: anonymous ? anonymousPrincipal : principal.arn,
        action: entry.action,
        resource: { resource: entry.resource, accountId: entry.account },
        contextVariables: { ...entry.context, ...keysOf(principal) },
      },
      identityPolicies: entry.identity.map((policy, index) => ({ name: `identity ${index}`, policy })),
      permissionBoundaryPolicies: entry.boundary && [{ name: 'boundary', policy: entry.boundary }],
      sessionPolicy: entry.session,
      resourcePolicy: entry.policy,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  const ignored = result.result?.ignoredContextKeys?.filter((key) => key in (entry.context ?? {})) ?? []
  if (result.resultType !== 'single' || ignored.length) {
    throw new Error(`${entry.feature}, ${entry.name}: ${JSON.stringify(result.errors ?? ignored)}`)
  }
  return result.overallResult
}

// The keys that follow from the principal, which the reference wants to be given.
function keysOf({ kind, arn, account, role_arn, user_id, tags }) {
  if (kind === 'service') return { 'aws:PrincipalIsAWSService': 'true', 'aws:PrincipalServiceName': arn }
  if (kind === 'anonymous') return { 'aws:PrincipalType': TYPES[kind], 'aws:userid': 'anonymous' }
  return {
    'aws:PrincipalType': TYPES[kind],
    'aws:PrincipalIsAWSService': 'false',
    'aws:PrincipalArn': role_arn ?? arn,
    'aws:PrincipalAccount': account,
    'aws:userid': user_id ?? account,
    ...(kind === 'user' && { 'aws:username': arn.split('/').at(-1) }),
    ...Object.fromEntries(Object.entries(tags ?? {}).map(([key, value]) => [`aws:PrincipalTag/${key}`, value])),
  }
}
