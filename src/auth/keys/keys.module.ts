import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { KeySet } from '../../access/key-set.js';
import { CryptoModule } from '../../crypto/crypto.module.js';
import { JwksController } from './jwks.controller.js';
import { SigningKey } from './signing-key.entity.js';
import { SigningKeys } from './signing-keys.js';

/** Signing keys: the private halves for AuthService, the public ones as {@link KeySet} and JWKS. */
@Module({
  imports: [CryptoModule, TypeOrmModule.forFeature([SigningKey])],
  controllers: [JwksController],
  providers: [SigningKeys, { provide: KeySet, useExisting: SigningKeys }],
  exports: [SigningKeys, KeySet],
})
export class KeysModule {}
