"""The books of analytics come back as they were, and their pages do not tell when they were saved."""

from hypothesis import given
from hypothesis import strategies as st

from services.analytics.books import Books

CUSTOMERS = [f"c-{number}" for number in range(5)]
steps = st.lists(st.sampled_from([*CUSTOMERS, None]))  # a customer whose input is judged; none: all is saved


def judge(books: Books, customer: str, number: int) -> None:
    book = books.of(customer)
    book.retention += 1
    book.judge(f"shop|{number}")


@given(steps)
def test_books_saved_and_read_again_at_any_moment_are_as_if_nothing_had_happened(steps: list[str | None]) -> None:
    undisturbed, books, saved = Books(), Books(), dict[int, bytes]()
    for number, customer in enumerate(steps):
        if customer is None:
            saved |= books.dump_changed()
            books = Books()
            books.load(saved)
        else:
            judge(undisturbed, customer, number)
            judge(books, customer, number)
    assert dict(undisturbed.items()) == dict(books.items())
    assert undisturbed.dump_changed() == saved | books.dump_changed()


def test_only_pages_with_books_that_were_opened_are_written_again() -> None:
    books = Books()
    for customer in CUSTOMERS:
        books.of(customer)
    assert len(CUSTOMERS) == len(books.dump_changed())
    judge(books, CUSTOMERS[0], 0)
    assert 1 == len(books.dump_changed())
    assert {} == books.dump_changed()
