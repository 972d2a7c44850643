import type { JWK } from 'jose';
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A key pair for access tokens; the private half is encrypted under a key derived from `AUTH_SECRET`. */
@Entity({ schema: 'auth', name: 'signing_keys' })
export class SigningKey {
  /** The RFC 7638 thumbprint of the public half. */
  @PrimaryColumn('text')
  kid: string;

  @Column('jsonb', { name: 'public_jwk' })
  publicJwk: JWK;

  @Column('text', { name: 'private_jwe' })
  privateJwe: string;

  /** Until then it is only published. */
  @Column('timestamptz', { name: 'use_from' })
  useFrom: Date;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
