import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { KeySet } from '../../access/key-set.js';
import { JwksController } from './jwks.controller.js';
import { SigningKey } from './signing-key.entity.js';
import { SigningKeys } from './signing-keys.js';

/** The signing keys: private halves for AuthService, public ones for everyone. */
@Module({
  imports: [TypeOrmModule.forFeature([SigningKey])],
  controllers: [JwksController],
  providers: [SigningKeys, { provide: KeySet, useExisting: SigningKeys }],
  exports: [SigningKeys, KeySet],
})
export class KeysModule {}
