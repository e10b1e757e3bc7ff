// Builds deploy/Dockerfile with buildah and tries the image, without a container engine and without its registry. Needs root, to mount and
// to change users, so `npm test` leaves it out. Ends with "N passed, N failed".
import { bringFromDebian } from './bring-from-debian.mjs'
import { buildImage } from './image-test/build-image.mjs'
import { IMAGE_CHECKS } from './image-test/checks.mjs'
import { imageRoom } from './image-test/image-room.mjs'

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.error('npm run test:image needs root on Linux: it mounts the image and runs it as another user.')
  process.exit(1)
}
for (const command of ['buildah', 'debootstrap'])
  bringFromDebian({ command, flag: '--version', packages: ['buildah', 'debootstrap'], why: 'buildah and debootstrap' })

const room = imageRoom(await buildImage())
let failed = 0
try {
  for (const [name, check] of Object.entries(IMAGE_CHECKS)) {
    try {
      const detail = await check(room)
      console.log(`ok      ${name}${detail ? `: ${detail}` : ''}`)
    } catch (error) {
      failed += 1
      console.log(`FAILED  ${name}: ${error.message}`)
    }
  }
} finally {
  room.close()
}
console.log(`\n${Object.keys(IMAGE_CHECKS).length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
