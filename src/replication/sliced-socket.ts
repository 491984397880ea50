import { Socket } from 'node:net'

/** Some hundred small messages. */
const SLICE_BYTES = 16_384

/**
 * A socket that hands on what it reads in small pieces. The driver handles all messages of a piece in one go, and only
 * between two of them does it stop when the socket is paused.
 */
export class SlicedSocket extends Socket {
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk === null || chunk.length <= SLICE_BYTES) return super.push(chunk, encoding)
    let wantsMore = true
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) wantsMore = super.push(chunk.subarray(at, at + SLICE_BYTES))
    return wantsMore
  }
}
