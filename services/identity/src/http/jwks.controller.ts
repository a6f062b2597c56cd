import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { PARTS, Public, publicKeys, type ServiceParts } from '@tsunagu/service-host';

/** The directory is read again after this long (real time): other services put their keys there when they start. */
const keptMs = 500;

@ApiTags('sessions')
@Controller('.well-known')
export class JwksController {
  private read: { at: number; keys: ReturnType<typeof publicKeys> } | undefined;

  constructor(@Inject(PARTS) private readonly parts: ServiceParts) {}

  /** The public halves of all signing keys, each for one use, which its kid begins with. */
  @Get('jwks.json')
  @Public()
  @Header('cache-control', 'public, max-age=30')
  async keys() {
    if (!this.read || performance.now() - this.read.at > keptMs) {
      this.read = { at: performance.now(), keys: publicKeys(this.parts.keyDirectory) };
    }
    return { keys: await this.read.keys };
  }
}
