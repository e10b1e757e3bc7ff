import { ask, type Chapter } from './requirement.ts'

export const supplyChainAndConfiguration: Chapter = {
  title: 'Supply chain and configuration',
  requirements: [
    ask('ASVS 6.3.2', 1, 'There are no default accounts.').tested(
      ['attacks/sealed-file/missing-key', 'without a key nothing is made, least of all a key'],
      ['identity/local-user', 'without an access token none is good'],
    ),
    ask('ASVS 15.2.3', 2, 'No test code or samples are shipped.').tested([
      'architecture',
      'the library never reaches for test code, samples or the conformance suites',
    ]),
    ask('ASVS 13.4.1', 1, 'No source-control data is shipped.').tested([
      'packaging/packed-files',
      'the tarball holds what somebody can import, start or read, and nothing else',
    ]),
    ask('ASVS 13.4.2', 2, 'No debug mode runs in production.').tested([
      'canary/canary',
      'with DEBUG=* and NODE_DEBUG=* nothing of ours prints a secret',
    ]),
    ask('ASVS 13.4.5', 2, 'Monitoring is not open to everybody.').reasoned(
      '/health names failing parts by code and nothing else; SECURITY.md, "What is not a vulnerability". There are no metrics.',
    ),
    ask('ASVS 13.4.6', 3, 'Versions are not told.').tested(['web/https-server', 'every answer has every header']),
    ask('ASVS 15.1.1', 1, 'There are deadlines for mending vulnerable parts.').reasoned(
      'SECURITY.md, "Report a vulnerability": days for each severity.',
    ),
    ask('ASVS 15.2.1', 1, 'None is overdue.').open(
      '`npm run release:check` asks the registry for known advisories and fails on any, but none that was asked so far has answered.',
    ),
    ask('ASVS 15.1.2', 2, 'There is an inventory of libraries.').reasoned(
      'package-lock.json lists each with its checksum, docs/design.md says why each direct one is there, and `npm run release:check` writes a CycloneDX bill of materials of the packed tarball.',
    ),
    ask('ASVS 15.1.4', 3, 'Risky libraries are named.').tested([
      'docs/pages',
      'the libraries that SECURITY.md calls confined',
    ]),
    ask('ASVS 15.1.5', 3, 'Dangerous functions are named.').tested([
      'docs/pages',
      'the libraries that SECURITY.md calls confined',
    ]),
    ask('ASVS 15.2.4', 3, 'Libraries come from where they are expected.').tested([
      'docs/lock-file',
      'every package has a checksum, and comes from the registry',
    ]),
    ask('ASVS 15.2.5', 3, 'Risky parts are contained.').tested(['architecture', 'is used in %s alone']),
    ask('ASVS 15.3.3', 2, 'Nobody sets fields that are not offered.').tested([
      'attacks/form/parameter-pollution',
      'besides its own fields is refused',
    ]),
    ask('ASVS 15.3.5', 2, 'Types are what they seem.').tested(['core/model/form-values', '%j with %j is refused']),
    ask('ASVS 15.3.6', 2, 'Prototypes cannot be polluted.').tested(
      ['attacks/form/parameter-pollution', '__proto__'],
      ['core/model/storage-key', '__proto__'],
    ),
  ],
}
