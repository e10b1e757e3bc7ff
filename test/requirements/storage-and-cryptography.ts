import { ask, type Chapter } from './requirement.ts'

export const storageAndCryptography: Chapter = {
  title: 'Storage and cryptography',
  requirements: [
    ask('ASVS 2.3.3', 2, 'An operation is done wholly or not at all.').tested(
      [
        'web/form/save-failures',
        'a save that fails with %s (%s) says so, keeps what may be kept, and gives the link back',
      ],
      ['crash/kill', 'kill -9 at any moment loses, undoes and blocks nothing'],
    ),
    ask('ASVS 2.3.4', 2, 'What is limited is not spent twice.').tested([
      'attacks/form/simultaneous-submits',
      'of three submits at once one saves',
    ]),
    ask('ASVS 15.4.2', 3, 'Checking and acting are one step.').tested(
      ['attacks/form/simultaneous-submits', 'three submits that have all passed every check'],
      ['backends/sealed-file/processes', 'processes that change one credential by compare-and-set lose no change'],
    ),
    ask('ASVS 5.3.2', 1, "File paths are made of our own data, not of the user's.").tested(
      ['backends/sealed-file/sealed-file', 'describeSecretBackend'],
      ['core/model/storage-key', 'different texts never share a name'],
    ),
    ask('ASVS 11.1.1', 2, 'A policy covers the life of each key.').reasoned(
      'SECURITY.md, "Keys": who holds each, its birth, rotation, end and loss.',
    ),
    ask('ASVS 11.1.2', 2, 'There is an inventory of cryptography.').tested(
      ['architecture', 'is used in %s alone'],
      ['docs/pages', 'the libraries that SECURITY.md calls confined are those of the architecture test'],
    ),
    ask('ASVS 11.1.3', 3, 'Tools find where cryptography is used.').tested(['architecture', 'is used in %s alone']),
    ask('ASVS 11.2.1', 2, 'Proven implementations do the cryptography.').tested([
      'architecture',
      'is used in %s alone',
    ]),
    ask('ASVS 11.2.2', 2, 'Algorithms and keys can be exchanged.').open(
      'Records name their format and key; there is no command yet that seals them anew under another key.',
    ),
    ask('ASVS 11.2.3', 2, 'Strength is 128 bits at least.').reasoned(
      'All of our own is; tokens signed with RS256 and 2048-bit keys are accepted, since identity providers sign so. SECURITY.md, "Deviations".',
    ),
    ask('ASVS 11.6.1', 2, 'Signatures follow approved schemes.').tested([
      'identity/access-token/access-token',
      'an algorithm that is not listed is refused',
    ]),
    ask('ASVS 11.2.4', 3, 'Secrets are compared in constant time.').tested([
      'core/crypto/seal',
      'texts of different lengths compare as different, not as an error',
    ]),
    ask('ASVS 11.2.5', 3, 'A failure of cryptography reveals and opens nothing.').tested(
      ['attacks/sealed-file/wrong-key', 'a wrong key opens nothing, changes nothing'],
      ['attacks/sealed-file/changed-bytes', 'no single changed byte of a record goes unnoticed'],
    ),
    ask('ASVS 11.3.2', 1, 'Ciphers are approved ones.').tested(['architecture', 'is used in %s alone']),
    ask('ASVS 11.3.3', 2, 'What is encrypted is protected from change.').tested(
      ['attacks/sealed-file/changed-bytes', 'no single changed byte of a record goes unnoticed'],
      ['core/crypto/seal', 'do not open when any bit was changed, or in another spelling'],
    ),
    ask('ASVS 11.3.4', 3, 'Numbers for one use are used once.').reasoned(
      'Nonces have 192 random bits, and sealed boxes a fresh key each; SECURITY.md names the constructions.',
    ),
    ask('ASVS 11.4.1', 1, 'Hash functions are approved ones.').tested(['architecture', 'is used in %s alone']),
    ask('ASVS 11.4.3', 2, 'Hashes are long enough for their purpose.').tested([
      'core/crypto/seal',
      'differ by purpose and by where one part ends',
    ]),
    ask('ASVS 11.4.4', 2, 'Passwords become keys by stretching.').reasoned(
      'No password becomes a key: the key text is 32 random bytes with a checksum, and anything else is refused.',
    ),
    ask('ASVS 11.5.1', 2, 'What must not be guessed has 128 random bits.').tested(
      ['attacks/login/wrong-state', 'every login has its own state, nonce and verifier of at least 128 bit'],
      ['core/requests/pending-requests', 'is no handle'],
    ),
    ask('ASVS 11.7.1', 3, 'Memory is encrypted.').reasoned('Out of reach of a Node.js library; SECURITY.md says so.'),
    ask('ASVS 11.7.2', 3, 'Plaintext is little and short.').tested(
      ['core/credentials/credential-cache', 'end with their time'],
      ['e2e/handles', 'shows no value, however it is printed'],
    ),
    ask('ASVS 13.3.3', 3, 'Cryptography runs in an isolated module.').open('Only with a secret manager as backend.'),
    ask('ASVS 13.3.1', 2, 'Backend secrets are not in code or build.').tested(
      ['attacks/sealed-file/exposed-key-file', 'a key file that other users may read is refused'],
      ['core/crypto/key-text', 'a file that only its owner reads is taken'],
    ),
    ask('ASVS 13.2.2', 2, 'Services have the least rights that they need.').open(
      'One process reads and writes. Separate principals for the form and for tools come with the backends that have principals.',
    ),
    ask('ASVS 13.3.2', 2, 'Secrets are reached with the least rights.').open(
      'As above: the sealed file knows one key for both.',
    ),
    ask('ASVS 13.1.4', 3, 'A schedule says when secrets are changed.').open(
      'SECURITY.md says how each key is changed, not when.',
    ),
    ask('ASVS 13.3.4', 3, 'Secrets expire.').tested([
      'e2e/expiry',
      'a longest life holds whatever the user and the service say',
    ]),
    ask('ASVS 14.1.1', 2, 'Sensitive data is classified.').reasoned(
      'SECURITY.md, "Data": class, place, protection and life of each.',
    ),
    ask('ASVS 14.1.2', 2, 'Each class has its rules.').reasoned('SECURITY.md, "Data", states them.'),
    ask('ASVS 14.2.4', 2, 'The rules are kept.').tested(['canary/canary', 'no secret arrived in any sink']),
    ask('ASVS 14.2.2', 2, 'Server caches keep nothing sensitive for long.').tested(
      ['core/credentials/credential-cache', 'end at once with our own save and revocation'],
      ['core/requests/pending-requests', 'holds no handle, owner, client or tool'],
    ),
    ask('ASVS 14.2.7', 3, 'Outdated data is deleted.').tested(
      ['backends/sealed-file/sealed-file', 'one earlier revision is kept, older ones are emptied'],
      ['pending/memory-pending-store', 'entries that nobody asks for are swept'],
    ),
  ],
}
