import { Controller, Get, Header } from '@nestjs/common';
import { Public } from '../../access/access.decorators.js';
import { ApiOperation, ApiTags } from '../../openapi/decorators.js';
import { Returns } from '../../openapi/responses.js';
import { jwkSet } from './schemas.js';
import { SigningKeys } from './signing-keys.js';

/** JWK Set (RFC 7517) with the public keys, for every service that verifies access tokens. */
@ApiTags('Keys')
@Controller('.well-known')
export class JwksController {
  constructor(private readonly keys: SigningKeys) {}

  @Get('jwks.json')
  @Public()
  @ApiOperation({ summary: 'Read the public keys' })
  @Header('cache-control', 'public, max-age=300')
  @Returns(200, jwkSet, 'The public keys that access tokens are signed with')
  read(): unknown {
    return this.keys.jwks();
  }
}
