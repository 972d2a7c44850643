// Generated posts in Korean and English, with word frequencies by Zipf's law.

/** Words that occur only in known posts. */
export const PLANTED = {
  /** In one post of 50,000. */
  rare: { ko: '두루미', en: 'zymurgy' },
  /** In every fifth post of the older half. */
  old: { ko: '삐삐', en: 'modem' },
  nowhere: { ko: '쀍뚫휁', en: 'qwxzzy' },
};

const KOREAN =
  `사람 오늘 생각 시간 정도 이야기 친구 문제 사진 시작 마음 저녁 아침 커피 동네 시장 회사 학교 가족 음식 여행 영화 노래 책방 도서관
  카페 주말 날씨 바다 강아지 고양이 자전거 버스 기차 지하철 공원 운동 병원 약속 선물 편지 전화 인터넷 컴퓨터 화면 버튼 설정 계정
  게시판 댓글 질문 답변 소식 행사 모임 동호회 축구 야구 농구 수영 등산 캠핑 요리 김치 라면 국수 만두 떡볶이 치킨 피자 빵집 과일
  사과 딸기 수박 감자 고구마 채소 고기 생선 계란 우유 차례 명절 설날 추석 생일 결혼 아이 부모 형제 이웃 골목 마을 대문 마당 부엌
  거실 창문 의자 책상 침대 이불 세탁기 냉장고 청소 정리 이사 계약 월세 은행 통장 카드 현금 가격 할인 택배 배송 주문 환불 후기 추천`.split(
    /\s+/,
  );
const PARTICLES = '은 는 이 가 을 를 에 에서 의 도 와 과 로 까지 부터 만 처럼 보다 이나 한테'.split(' ');
const ENDINGS =
  '했어요 합니다 있어요 있습니다 좋네요 같아요 봤는데 가려고 먹었어요 샀습니다 궁금해요 고마워요 어떨까요 모르겠네요 그런데 그래서 정말 조금 아주 다시'.split(
    ' ',
  );
const ENGLISH =
  `the of and to in a is that for it you was with on as have but be they at this not from we people time year day
  way thing man world life hand part child eye woman place work week case point company number group problem fact market coffee
  library bicycle weekend weather kitchen garden window table chair train station bridge river mountain summer winter morning
  evening breakfast dinner recipe bread apple potato noodle chicken concert movie camera picture button screen setting account
  password browser server database network question answer comment reply member meeting football baseball swimming hiking
  neighbour village street corner gate house family friend birthday letter phone price delivery order refund review secret`.split(
    /\s+/,
  );
const SYLLABLES_KO = '가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토포호구누두루무부수우주추쿠투푸후강남달람만반산안장찬'; // prettier-ignore
const SYLLABLES_EN = 'ba be bi bo da de di do fa fe ga go ka ke la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve'; // prettier-ignore
const WORDS = 30_000;

/** Returns a seeded generator of numbers in [0, 1) (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(7);
const pick = (list, by = random) => list[Math.floor(by() * list.length)];
const invent = (syllables) =>
  Array.from({ length: 2 + Math.floor(random() * 3) }, () => pick(syllables)).join('');

/** Returns a vocabulary: real words, then compounds of them, then invented words. */
function vocabulary(real, made, syllables) {
  const words = new Set(real);
  for (let i = 0; i < WORDS / 6; i++) words.add(made());
  while (words.size < WORDS) words.add(invent(syllables));
  return [...words];
}
const korean = vocabulary(KOREAN, () => pick(KOREAN) + pick(KOREAN), SYLLABLES_KO);
const english = vocabulary(
  ENGLISH,
  () => pick(ENGLISH) + pick(['s', 'ed', 'ing', 'er', 'less']),
  SYLLABLES_EN.split(' '),
);

/** Returns a rank. The word of rank r occurs 1/r as often as the first. */
const zipf = (by) => Math.floor(WORDS ** by()) - 1;

/** Returns words of a sentence. One of them may be given. */
function sentence(by, length, given) {
  const inKorean = given === undefined ? by() < 0.65 : /\p{Script=Hangul}/u.test(given);
  const words = Array.from({ length }, () => {
    if (!inKorean) return english[zipf(by)];
    const dice = by();
    if (dice < 0.08) return english[zipf(by)];
    return dice < 0.3 ? pick(ENDINGS, by) : korean[zipf(by)] + pick(PARTICLES, by);
  });
  if (given !== undefined) words[Math.floor(by() * length)] = inKorean ? given + pick(PARTICLES, by) : given;
  return words;
}

/** Returns a log-normal length: most texts are short, some are long. */
function lengthAround(by, middle, most) {
  const normal = Math.sqrt(-2 * Math.log(1 - by())) * Math.cos(2 * Math.PI * by());
  return Math.min(most, Math.max(1, Math.round(middle * Math.exp(normal * 0.8))));
}

/** Returns a text in paragraphs. */
export function bodyOf(by, middle, given) {
  const words = sentence(by, lengthAround(by, middle, 1_500), given);
  return words.map((word, i) => (i > 0 && i % 40 === 0 ? `\n\n${word}` : word)).join(' ');
}

/** Returns the post with a number, of `of` posts, oldest first. The same number always gives the same post. */
export function postOf(number, of) {
  const by = randomFrom(number + 1);
  const dice = by();
  const language = by() < 0.5 ? 'ko' : 'en';
  let given;
  if (dice < 1 / 50_000 || number === Math.floor(of / 3)) given = PLANTED.rare[language];
  else if (number < of / 2 && dice > 0.8) given = PLANTED.old[language];
  const inTitle = given !== undefined && by() < 0.2;
  const title = sentence(by, lengthAround(by, 5, 15), inTitle ? given : undefined).join(' ');
  return { title: title.slice(0, 120), body: bodyOf(by, 25, given) };
}
