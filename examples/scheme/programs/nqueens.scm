; In how many ways n queens stand on a board without threatening each other, and one of the ways.
(import (scheme base) (scheme write) (scheme process-context))

(define small? (member "small" (command-line)))

; `placed` are the columns of the queens in the rows before, the nearest first.
(define (safe? column placed)
  (let loop ((distance 1) (rest placed))
    (or (null? rest)
        (and (not (= (car rest) column))
             (not (= (abs (- (car rest) column)) distance))
             (loop (+ distance 1) (cdr rest))))))

(define (count-ways n)
  (let row ((left n) (placed '()))
    (if (= left 0)
        1
        (let column ((c 1) (ways 0))
          (cond ((> c n) ways)
                ((safe? c placed)
                 (column (+ c 1) (+ ways (row (- left 1) (cons c placed)))))
                (else (column (+ c 1) ways)))))))

; The first way that is found leaves the search through a continuation.
(define (first-way n)
  (call/cc
   (lambda (return)
     (let row ((left n) (placed '()))
       (if (= left 0) (return (reverse placed)))
       (do ((c 1 (+ c 1)))
           ((> c n) #f)
         (if (safe? c placed) (row (- left 1) (cons c placed)))))
     'none)))

(define (draw columns)
  (let ((n (length columns)))
    (for-each
     (lambda (column)
       (let ((line (make-string n #\.)))
         (string-set! line (- column 1) #\Q)
         (write-string line)
         (newline)))
     columns)))

(do ((n 1 (+ n 1)))
    ((> n (if small? 4 8)))
  (write (list n 'queens (count-ways n) 'ways))
  (newline))
(write (first-way 3))
(newline)
(draw (first-way (if small? 4 8)))
