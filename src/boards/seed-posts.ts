/** A board of the seed. */
interface SeedBoard {
  readonly slug: string;
  readonly title: string;
  readonly description: string;
  /** Oldest first. */
  readonly posts: readonly { readonly title: string; readonly body: string }[];
}

/** Boards and posts of a new embedded database. */
export const SEED_BOARDS: readonly SeedBoard[] = [
  {
    slug: 'notice',
    title: '공지',
    description: '대문지기가 전하는 소식 · News from the gatekeeper',
    posts: [
      {
        title: 'Welcome, the gate is open',
        body: `Good to see you here!

*Daemun* (대문) is the front gate of a Korean house, and this little community lives behind it. Look around as long \
as you like: reading needs no account. Once you want to say something, knock with Google, Kakao, Naver or an e-mail \
address.

Nothing leaves your machine while you try things out. The three providers are played by a sandbox on your own computer, \
so pick any of the people it offers, or press cancel and see how politely you are brought back.
`,
      },
      {
        title: '대문을 활짝 열었습니다',
        body: `어서 오세요, 반갑습니다!

여기는 대문 안쪽의 작은 마당이에요. 글을 읽는 데에는 로그인이 필요 없으니 천천히 둘러보세요. 한마디 남기고 싶어지면 \
구글, 카카오, 네이버, 이메일 가운데 편한 것으로 들어오시면 됩니다.

지금 보이는 소셜 로그인은 내 컴퓨터에서 돌아가는 연습용 서버가 대신 맡고 있어요. 실제 계정은 쓰이지 않으니 마음껏 \
눌러 보세요. 동의 화면에서 **취소**를 눌러 보는 것도 추천합니다.
`,
      },
    ],
  },
  {
    slug: 'free',
    title: '자유게시판',
    description: '무슨 이야기든 좋아요 · Talk about anything',
    posts: [
      {
        title: 'For those who would rather read the API',
        body: `Everything you can do on these pages is one call away, and Swagger UI at \`/docs\` lists them all.

A small tour:

- \`GET /boards/free/posts\` is this list. Follow \`nextCursor\` to the end.
- Read a post, keep its \`ETag\`, change the post in another tab, and send the old one as \`If-Match\`.
- Make yourself an admin with \`npm run admin -- you@example.com\` and open a board of your own.
`,
      },
      {
        title: '10분이 지나도 로그아웃되지 않는 이유',
        body: `액세스 토큰은 10분이면 만료됩니다. 그런데 탭을 열어 둔 채 커피를 마시고 와도 글은 그대로 써지죠.

토큰이 만료되면 페이지가 조용히 새 토큰을 받아 와서 방금 실패한 요청을 다시 보내기 때문이에요. 개발자 도구의 네트워크 \
탭을 열어 두면 \`/auth/refresh\`가 지나가는 것을 볼 수 있습니다.

탭을 여러 개 띄워 놓고 한쪽에서 로그아웃해 보세요. 다른 탭에서는 어떻게 될까요?
`,
      },
      {
        title: '여기에 첫 글을 남겨 보세요',
        body: `오늘 점심은 뭘 드셨나요? 요즘 듣는 노래는요? 아무 이야기나 좋습니다.

글은 **마크다운**으로 쓰고, 쓴 그대로 저장돼요. 마음에 들지 않으면 언제든 고치거나 지울 수 있습니다. \
이 글들이 거슬린다면 지워 버려도 괜찮아요. 한 번 지운 글은 다시 생기지 않습니다.
`,
      },
    ],
  },
];
