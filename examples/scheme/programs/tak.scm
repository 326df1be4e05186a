; The function of Takeuchi: calls and comparisons of small numbers, nothing else.
(import (scheme base) (scheme write) (scheme process-context))

(define small? (member "small" (command-line)))

(define (tak x y z)
  (if (not (< y x))
      z
      (tak (tak (- x 1) y z)
           (tak (- y 1) z x)
           (tak (- z 1) x y))))

(define (show x y z)
  (write (list 'tak x y z '= (tak x y z)))
  (newline))

(show 7 4 2)
(show 9 6 3)
(if (not small?) (show 18 12 6))
