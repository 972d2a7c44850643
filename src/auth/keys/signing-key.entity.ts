import type { JWK } from 'jose';
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** Key pair that signs tokens. The private key is sealed under a key derived from `AUTH_SECRET`. */
@Entity({ schema: 'auth', name: 'signing_keys' })
export class SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  @PrimaryColumn('text')
  kid: string;

  @Column('jsonb', { name: 'public_jwk' })
  publicJwk: JWK;

  @Column('text', { name: 'private_jwe' })
  privateJwe: string;

  /** Time from which the key signs. Before, it is only published. */
  @Column('timestamptz', { name: 'use_from' })
  useFrom: Date;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
